//! The one source of randomness: seeded, the same on every device, and able to replay recorded draws.

use candle_core::{DType, Device, Result, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal, StandardUniform};

/// A stream of random tensors.
///
/// Each call draws from its own ChaCha stream, numbered by a counter, so the state of a run is two numbers
/// ([`Noise::state`]) and a resumed run draws what the uninterrupted one would have.
#[derive(Debug, Clone)]
pub struct Noise {
    seed: u64,
    counter: u64,
    /// Draws to be replayed, by the variable they belong to.
    recorded: Vec<(String, Tensor)>,
}

impl Noise {
    /// A source that is a function of the seed alone.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, counter: 0, recorded: Vec::new() }
    }

    /// The source at a state that [`Noise::state`] gave.
    pub fn at(seed: u64, counter: u64) -> Self {
        Self { seed, counter, recorded: Vec::new() }
    }

    /// Seed and number of draws so far.
    pub fn state(&self) -> (u64, u64) {
        (self.seed, self.counter)
    }

    /// The next draw for `variable` is `draw` instead of a random one (several are taken first in, first out).
    pub fn record(&mut self, variable: &str, draw: Tensor) {
        self.recorded.push((variable.to_owned(), draw));
    }

    /// Independent standard normal draws for `variable`.
    ///
    /// # Errors
    /// A recorded draw of another shape.
    pub fn normal(&mut self, variable: &str, shape: &[usize], dtype: DType, device: &Device) -> Result<Tensor> {
        self.draw(variable, shape, dtype, device, |rng| StandardNormal.sample(rng))
    }

    /// Independent draws, uniform on [0, 1), for `variable`.
    ///
    /// # Errors
    /// A recorded draw of another shape.
    pub fn uniform(&mut self, variable: &str, shape: &[usize], dtype: DType, device: &Device) -> Result<Tensor> {
        self.draw(variable, shape, dtype, device, |rng| StandardUniform.sample(rng))
    }

    fn draw(
        &mut self,
        variable: &str,
        shape: &[usize],
        dtype: DType,
        device: &Device,
        one: impl Fn(&mut ChaCha8Rng) -> f32,
    ) -> Result<Tensor> {
        if let Some(at) = self.recorded.iter().position(|(name, _)| name == variable) {
            let (_, draw) = self.recorded.remove(at);
            if draw.dims() != shape {
                candle_core::bail!("the recorded draw for `{variable}` has shape {:?}, needed {shape:?}", draw.dims());
            }
            return draw.to_dtype(dtype)?.to_device(device);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(self.counter);
        self.counter += 1;
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| one(&mut rng)).collect();
        Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
    }
}
