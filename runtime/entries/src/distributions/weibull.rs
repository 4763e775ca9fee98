//! Weibull variables.

distribution! {
    /// Independent Weibull variables: λ E^(1/k), E exponential of rate 1. As a factor of q for a gamma variable its draws
    /// and its divergence are elementary (Zhang et al. 2018). The head contains logarithms of scales λ, then of shapes k.
    continuous weibull: Weibull(WeibullConfig {}),
    over: [Positive],
    natural: [log_scale: Real or scale: Positive by log, log_shape: Real or shape: Positive by log],
    closed_forms: [weibull: weibull_kl, gamma: weibull_gamma_kl, exponential: weibull_exponential_kl],
    examples: [{} over [1], {} over [4, 3, 1]],
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::distributions::exponential::Exponential;
    use crate::distributions::gamma::Gamma;
    use crate::tensors::ops::{same_shape, sum_batch};
    use crate::tensors::{
        Density, Distribution, Draw, Head, LOG_BOUND, Noise, Result, Special, Tensor, density, exp_inside, inside, ops,
    };
    use std::f64::consts::LN_2;

    /// Euler's constant, −ψ(1): the mean of −ln E of an exponential variable E of rate 1.
    const EULER: f64 = 0.577_215_664_901_532_9;

    /// exp(log_scale) times an exponential variable of rate 1 to the power exp(−log_shape), in every dimension.
    #[derive(Debug, Clone)]
    pub struct Weibull {
        /// Logarithms of scales, then of shapes, `[N, 2C, …]`.
        head: Head,
    }

    impl Weibull {
        /// From a network's output: logarithms of scales, then of shapes, clamped to [−15, 15], concatenated in the first
        /// dimension after the batch.
        ///
        /// # Errors
        /// Infallible; returns `Result` for a uniform signature.
        pub fn from_head(head: impl Into<Head>) -> Result<Self> {
            Ok(Self { head: head.into() })
        }

        fn log_scale(&self) -> Result<Tensor> {
            density::parameter::<Self, 3>(&self.head, 1)
        }

        fn log_shape(&self) -> Result<Tensor> {
            density::parameter::<Self, 3>(&self.head, 2)
        }

        /// ln E x^power, for powers `[N, …]`.
        fn log_moment(&self, power: &Tensor) -> Result<Tensor> {
            let share = (power * self.log_shape()?.neg()?.exp()?)?;
            (power * self.log_scale()?)? + ops::lgamma(&(share + 1.0)?)?
        }

        /// E ln x.
        fn mean_of_log(&self) -> Result<Tensor> {
            self.log_scale()? - (self.log_shape()?.neg()?.exp()? * EULER)?
        }

        /// E ln of the density: ln k − k ln λ + (k − 1) E ln x − 1.
        fn negative_entropy(&self) -> Result<Tensor> {
            let (log_shape, log_scale) = (self.log_shape()?, self.log_scale()?);
            let euler = (log_shape.neg()?.exp()? * EULER)?;
            ((log_shape - log_scale)? + (euler - (1.0 + EULER))?)?.contiguous()
        }
    }

    impl Density<3> for Weibull {
        const NAME: &'static str = "weibull";
        const BOUNDS: [f64; 3] = [f64::INFINITY, LOG_BOUND, LOG_BOUND];

        #[inline(always)]
        fn log_prob<S: Special>([x, log_scale, log_shape]: [S; 3]) -> S {
            let log = log_shape.exp() * (x.ln() - log_scale);
            log_shape + log - x.ln() - log.exp()
        }

        #[inline(always)]
        fn slopes<S: Special>([x, log_scale, log_shape]: [S; 3]) -> [S; 3] {
            let (one, shape) = (S::of(1.0), log_shape.exp());
            let log = shape * (x.ln() - log_scale);
            let slope = one - log.exp();
            [(shape * slope - one) / x, -shape * slope, one + log * slope]
        }
    }

    impl Distribution for Weibull {
        /// ln k − ln x + k ln (x / λ) − (x / λ)^k, summed.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            density::log_prob::<Self, 3>(value, &self.head)
        }

        /// A temperature is a factor of the logarithm's deviation from that of the median.
        fn sample(&self, name: &str, noise: &mut Noise, draw: &Draw) -> Result<Tensor> {
            let log_scale = self.log_scale()?;
            let uniform = noise.uniform(name, log_scale.dims(), log_scale.dtype(), log_scale.device())?;
            let middle = LN_2.ln();
            let log = inside(&uniform)?.log()?.neg()?.log()?;
            let log = log.affine(draw.temperature, middle * (1.0 - draw.temperature))?;
            exp_inside(&(log_scale + (log * self.log_shape()?.neg()?.exp()?)?)?)
        }

        /// The mean. For shapes up to 1 the density is highest at 0, which is not a valid value.
        fn mode(&self) -> Result<Tensor> {
            exp_inside(&self.log_moment(&self.log_scale()?.ones_like()?)?)
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { head: self.head.repeat(samples)? }))
        }
    }

    /// KL(q ‖ p), exact, `[N]` nats: ln k_q − ln λ_q − (1 − 1/k_q) γ − 1 − ln k_p + k_p ln λ_p − (k_p − 1) E ln x +
    /// E (x / λ_p)^k_p, summed.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn weibull_kl(q: &Weibull, p: &Weibull) -> Result<Tensor> {
        same_shape("the parameters of two Weibull variables", &q.head, &p.head)?;
        let (shape, log_scale) = (p.log_shape()?.exp()?, p.log_scale()?);
        let scaled = (&shape * &log_scale)?;
        let power = (q.log_moment(&shape)? - &scaled)?.exp()?;
        let of_log = ((&shape - 1.0)? * q.mean_of_log()?)?;
        sum_batch(&((q.negative_entropy()? - p.log_shape()?)? + ((scaled - of_log)? + power)?)?)
    }

    /// KL(q ‖ p), exact, `[N]` nats: ln k − ln λ − (1 − 1/k) γ − 1 − a ln b + ln Γ(a) − (a − 1) E ln x + b E x, summed.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn weibull_gamma_kl(q: &Weibull, p: &Gamma) -> Result<Tensor> {
        let (log_concentration, log_rate) = (p.log_concentration()?, p.log_rate()?);
        same_shape("the parameters of a Weibull and a gamma variable", &q.log_scale()?, &log_rate)?;
        let concentration = log_concentration.exp()?;
        let normaliser = (ops::lgamma(&concentration)? - (&concentration * &log_rate)?)?;
        let of_log = ((&concentration - 1.0)? * q.mean_of_log()?)?;
        let rest = (q.log_moment(&log_rate.ones_like()?)? + &log_rate)?.exp()?;
        sum_batch(&((q.negative_entropy()? + normaliser)? + (rest - of_log)?)?)
    }

    /// KL(q ‖ p), p as gamma variables of concentration 1, exact, `[N]` nats.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn weibull_exponential_kl(q: &Weibull, p: &Exponential) -> Result<Tensor> {
        weibull_gamma_kl(q, &p.as_gamma()?)
    }
}
