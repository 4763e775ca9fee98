//! Binomial variables.

distribution! {
    /// Independent binomial variables: successes in a number of trials, which must be given by name, `trials: n`. They are a number,
    /// or whole numbers of the data. The head contains the trials, then logits of a success.
    discrete binomial: Binomial(BinomialConfig {}),
    over: [Count],
    natural: [trials: Whole, logits: Real or probs: Unit by logit],
    closed_forms: [],
    examples: [{} over [1], {} over [4, 3, 1]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::blocks::sigmoid::sigmoid;
    use crate::tensors::{
        Density, Distribution, Draw, Head, Noise, Result, Special, Tensor, Through, density, ops, through,
    };

    /// Binomial(trials, sigmoid(logits)) in every dimension.
    #[derive(Debug, Clone)]
    pub struct Binomial {
        /// Trials, then logits, `[N, 2C, …]`.
        head: Head,
    }

    impl Binomial {
        /// Trials, then logits, concatenated in the first dimension after the batch.
        ///
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn from_head(head: impl Into<Head>) -> Result<Self> {
            Ok(Self { head: head.into() })
        }

        fn trials(&self) -> Result<Tensor> {
            density::parameter::<Self, 3>(&self.head, 1)
        }

        fn logits(&self) -> Result<Tensor> {
            density::parameter::<Self, 3>(&self.head, 2)
        }
    }

    impl Density<3> for Binomial {
        const NAME: &'static str = "binomial";
        const BOUNDS: [f64; 3] = [f64::INFINITY; 3];

        #[inline(always)]
        fn log_prob<S: Special>([x, trials, logits]: [S; 3]) -> S {
            let (one, failures) = (S::of(1.0), trials - x);
            let ways = S::lgammas([trials + one], [x + one, failures + one]);
            let inside = ways - x * (-logits).softplus() - failures * logits.softplus();
            // More successes than trials have probability 0. NaN is not more.
            (-failures - S::of(0.5)).positive(S::of(f64::NEG_INFINITY), inside)
        }

        #[inline(always)]
        fn slopes<S: Special>([x, trials, logits]: [S; 3]) -> [S; 3] {
            let one = S::of(1.0);
            let of_failures = (trials - x + one).digamma();
            [
                logits + of_failures - (x + one).digamma(),
                (trials + one).digamma() - of_failures - logits.softplus(),
                x - trials * logits.sigmoid(),
            ]
        }
    }

    impl Distribution for Binomial {
        /// ln n! − ln x! − ln (n − x)! + x ln p + (n − x) ln (1 − p), summed; −∞ if x is more than n.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            density::log_prob::<Self, 3>(value, &self.head)
        }

        fn sample(&self, name: &str, noise: &mut Noise, _: &Draw) -> Result<Tensor> {
            let trials = self.trials()?;
            let noise = noise.normal(name, trials.dims(), trials.dtype(), trials.device())?;
            ops::binomial_draw(&trials, &self.logits()?, &noise)
        }

        fn sample_through(&self, name: &str, noise: &mut Noise, how: Through) -> Result<Tensor> {
            through::count(&self.sample(name, noise, &Draw::default())?, &self.mean()?, how)
        }

        /// The integer part of (n + 1) p, at most n.
        fn mode(&self) -> Result<Tensor> {
            let trials = self.trials()?;
            ((&trials + 1.0)? * sigmoid(&self.logits()?)?)?.floor()?.minimum(&trials)
        }

        /// n p, which need not be an integer.
        fn mean(&self) -> Result<Tensor> {
            self.trials()? * sigmoid(&self.logits()?)?
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { head: self.head.repeat(samples)? }))
        }
    }
}
