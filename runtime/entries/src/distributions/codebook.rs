//! A codebook (van den Oord, Vinyals and Kavukcuoglu 2017).

distribution! {
    /// One of several learned vectors at every position of a map (for a vector: one in total), each with the same
    /// probability. It is the prior for a latent whose factor in q is `quantise`.
    atomic codebook: Codebook(CodebookConfig {
        /// number of vectors
        codes: usize in 2..=65536 = 512,
    }),
    over: [Real],
    natural: [],
    closed_forms: [],
    examples: [{ codes: 3 } over [2], { codes: 4 } over [2, 3, 2]],
    count: |config, shape| (config.codes as u64).saturating_mul(shape.first().copied().unwrap_or(1) as u64),
}

#[cfg(feature = "tensors")]
mod tensors {
    use crate::tensors::{Distribution, Draw, Noise, Params, Phase, Result, Tensor, Var, batched, fits, rows_of};

    /// Uniform over the codes at every position.
    #[derive(Debug, Clone)]
    pub struct Codebook {
        /// `[K, channels]`
        codes: Var,
        shape: Vec<usize>,
        rows: Option<usize>,
        params: Params,
    }

    impl Codebook {
        /// Over a shape, without the batch. Parameter: `codes`, `[K, channels]`.
        ///
        /// # Errors
        /// A name that is taken.
        pub fn new(params: &Params, shape: &[usize], codes: usize) -> Result<Self> {
            let channels = shape.first().copied().unwrap_or(1);
            let codes = params.normal("codes", &[codes, channels], 0.0, 1.0)?;
            Ok(Self { codes, shape: shape.to_vec(), rows: None, params: params.clone() })
        }

        /// The shape of a value, without the batch.
        pub fn shape(&self) -> &[usize] {
            &self.shape
        }

        /// The codes, `[K, channels]`.
        pub fn codes(&self) -> Tensor {
            self.params.value(&self.codes)
        }

        /// ln of the number of codes per position of a value, summed over positions: the nats that encode a value.
        pub fn nats(&self) -> f64 {
            let positions: usize = self.shape.iter().skip(1).product();
            positions as f64 * (self.codes.dims()[0] as f64).ln()
        }

        /// The codes with these indices, one for each position of each row, as values.
        ///
        /// # Errors
        /// A wrong number of positions.
        pub fn at(&self, numbers: &Tensor) -> Result<Tensor> {
            let positions: usize = self.shape.iter().skip(1).product();
            let (channels, rows) = (self.codes.dims()[1], numbers.elem_count() / positions);
            let picked = self.codes().index_select(numbers, 0)?.reshape((rows, positions, channels))?;
            picked.transpose(1, 2)?.contiguous()?.reshape(batched(rows, &self.shape))
        }

        /// Values with one row for each position.
        fn positions(&self, value: &Tensor) -> Result<Tensor> {
            fits("a codebook", value, &self.shape)?;
            let channels = self.codes.dims()[1];
            let rows = value.detach().reshape((value.dim(0)?, channels, ()))?.transpose(1, 2)?.contiguous()?;
            rows.reshape((value.elem_count() / channels.max(1), channels))
        }

        /// In the first pass, initialises the codes with the values to quantise, at equally spaced positions. Otherwise
        /// a code far from all values would never be the nearest one.
        ///
        /// # Errors
        /// Values of another shape.
        pub fn begin_at(&self, value: &Tensor) -> Result<()> {
            if self.params.phase() != Phase::Initialisation {
                return Ok(());
            }
            let rows = self.positions(value)?;
            let (count, codes) = (rows.dim(0)?, self.codes.dims()[0]);
            let places = (0..codes).map(|code| (code * count / codes) as u32);
            let places = Tensor::from_iter(places, value.device())?;
            self.codes.set(&rows.index_select(&places, 0)?.to_dtype(self.codes.dtype())?)?;
            self.params.touch();
            Ok(())
        }

        /// The indices of the codes nearest to values, one for each position of each row.
        ///
        /// # Errors
        /// Values of another shape.
        pub fn nearest(&self, value: &Tensor) -> Result<Tensor> {
            let (rows, codes) = (self.positions(value)?, self.codes().detach());
            let along = rows.matmul(&codes.t()?.contiguous()?)?;
            // |x − e|² without |x|², which is the same for all codes.
            (along * -2.0)?.broadcast_add(&codes.sqr()?.sum(1)?.unsqueeze(0)?)?.argmin(1)
        }
    }

    impl Distribution for Codebook {
        /// −ln K for each position, for values that are codes.
        fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
            fits("a codebook", value, &self.shape)?;
            Tensor::full(-self.nats(), value.dim(0)?, value.device())?.to_dtype(value.dtype())
        }

        fn sample(&self, name: &str, noise: &mut Noise, _: &Draw) -> Result<Tensor> {
            let positions: usize = self.shape.iter().skip(1).product();
            let count = rows_of("a codebook", self.rows)? * positions;
            let uniform = noise.uniform(name, &[count], self.params.dtype(), self.params.device())?;
            let codes = self.codes.dims()[0] as f64;
            self.at(&(uniform * codes)?.floor()?.clamp(0.0, codes - 1.0)?.to_dtype(candle_core::DType::U32)?)
        }

        /// The code nearest to the mean, everywhere.
        fn mode(&self) -> Result<Tensor> {
            self.at(&self.nearest(&self.mean()?)?)
        }

        fn mean(&self) -> Result<Tensor> {
            let mut one = vec![1; self.shape.len() + 1];
            one[1] = self.codes.dims()[1];
            let rows = rows_of("a codebook", self.rows)?;
            self.codes().mean(0)?.reshape(one)?.broadcast_as(batched(rows, &self.shape))?.contiguous()
        }

        fn repeat(&self, samples: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { rows: self.rows.map(|rows| rows * samples), ..self.clone() }))
        }

        fn expand(&self, rows: usize) -> Result<Box<dyn Distribution>> {
            Ok(Box::new(Self { rows: Some(rows), ..self.clone() }))
        }
    }
}
