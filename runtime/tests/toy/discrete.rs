//! A model that can be enumerated: z is one of four values, x | z ~ N(m_z, s²), and q(z | x) is the flattened
//! posterior.

use super::{SHAPE, data, spec};
use srvae::{
    BoundOptions, DType, Device, Draw, Mode, Model, Noise, Params, Result, Tensor, Term, TermKind, Terms, Values,
};

const PRIOR: [f64; 4] = [0.1, 0.2, 0.3, 0.4];
const MEANS: [f64; 4] = [0.1, 0.35, 0.6, 0.9];
const DEVIATION: f64 = 0.8;

pub struct Discrete {
    params: Params,
    /// q is the posterior to this power, normalised: 1 is the posterior, 0 is uniform.
    power: f64,
}

impl Discrete {
    pub fn new(power: f64) -> Self {
        Self { params: Params::new(1, DType::F32, &Device::Cpu), power }
    }
}

/// log p(x, z) for each z.
fn joint(x: &[f32]) -> [f64; 4] {
    let normal = |mean: f64| {
        let squares: f64 = x.iter().map(|&x| ((f64::from(x) - mean) / DEVIATION).powi(2)).sum();
        -0.5 * squares - x.len() as f64 * (DEVIATION.ln() + 0.5 * (2.0 * std::f64::consts::PI).ln())
    };
    [0, 1, 2, 3].map(|kind| PRIOR[kind].ln() + normal(MEANS[kind]))
}

fn log_sum(numbers: &[f64]) -> f64 {
    let peak = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    peak + numbers.iter().map(|number| (number - peak).exp()).sum::<f64>().ln()
}

/// The mean log p(x) over the test images, by enumeration.
pub fn exact() -> f64 {
    let images = data().test;
    let one = |index: usize| {
        let x: Vec<f32> = images.picture(index).iter().map(|&byte| f32::from(byte) / 255.0).collect();
        log_sum(&joint(&x))
    };
    (0..images.len()).map(one).sum::<f64>() / images.len() as f64
}

impl Model for Discrete {
    fn params(&self) -> &Params {
        &self.params
    }

    fn bound(&self, data: &Values, noise: &mut Noise, options: &BoundOptions) -> Result<Terms> {
        let rows = data.get("x")?.flatten_from(1)?.to_vec2::<f32>()?;
        let (samples, batch) = (options.samples, rows.len());
        let draws = noise.uniform("z", &[samples * batch], DType::F64, &Device::Cpu)?.to_vec1::<f64>()?;
        let (mut likelihoods, mut divergences) = (Vec::new(), Vec::new());
        for (at, draw) in draws.into_iter().enumerate() {
            let joint = joint(&rows[at % batch]);
            let flat = joint.map(|log| self.power * log);
            let log_q = flat.map(|log| log - log_sum(&flat));
            let mut left = draw;
            let kind = log_q.iter().position(|log| {
                left -= log.exp();
                left < 0.0
            });
            let kind = kind.unwrap_or(3);
            likelihoods.push(joint[kind] - PRIOR[kind].ln());
            divergences.push(log_q[kind] - PRIOR[kind].ln());
        }
        let term = |name, kind, numbers| {
            Ok::<_, candle_core::Error>(Term {
                name,
                kind,
                value: Tensor::from_vec(numbers, (samples, batch), &Device::Cpu)?,
            })
        };
        Ok(Terms {
            terms: vec![term("RE_x", TermKind::Reconstruction, likelihoods)?, term("KL_z", TermKind::Kl, divergences)?],
            scores: Vec::new(),
            added: Vec::new(),
            gains: Vec::new(),
        })
    }

    fn modes(&self) -> &'static [Mode] {
        &[]
    }

    fn run(&self, mode: &str, _: &Values, _: usize, _: &mut Noise, _: &Draw) -> Result<Values> {
        candle_core::bail!("no mode {mode} for {SHAPE:?} of {}", spec().name)
    }
}
