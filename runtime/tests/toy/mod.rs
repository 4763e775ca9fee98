//! A small model with known likelihood: z ~ N(0, 1), x | z ~ N(w·z + b, s²), q(z | x) = N(v·x + c, t²).
#![allow(dead_code, reason = "each test target uses its part")]

pub mod discrete;

use srvae::data::{Data, Images};
use srvae::spec::{Role, Space, Spec, Variable};
use srvae::{
    BoundOptions, Compiled, DType, Device, Draw, Mode, Model, Noise, Params, Result, Settings, Tensor, Term, TermKind,
    Terms, Values,
};

/// For the command line x is an image, filled with the images of the data. The density here is over its values k/255.
pub const SOURCE: &str = "model toy\nobserved x: image[3, 4, 4]\nlatent z: real[1]\n\
                          p(z) = standard_normal\n\
                          p(x | z) = logistic_mixture(components: 1) from z |> linear(out: 48) |> reshape(3, 4, 4) |> conv\n\
                          q(z | x) = normal from x |> flatten |> linear\n";
pub const SHAPE: [usize; 3] = [3, 4, 4];
const SIZE: usize = 48;

pub struct Toy {
    params: Params,
    w: Tensor,
    b: Tensor,
    log_s: Tensor,
    v: Tensor,
    c: Tensor,
    log_t: Tensor,
}

pub fn build(_: &Settings, params: &Params) -> Result<Box<dyn Model>> {
    let new = |name: &str, shape: &[usize]| {
        Ok::<_, candle_core::Error>(params.normal(name, shape, 0.0, 0.05)?.as_tensor().clone())
    };
    Ok(Box::new(Toy {
        params: params.clone(),
        w: new("p_x.w", &[1, SIZE])?,
        b: new("p_x.b", &[1, SIZE])?,
        log_s: new("p_x.log_s", &[1, 1])?,
        v: new("q_z.v", &[SIZE, 1])?,
        c: new("q_z.c", &[1, 1])?,
        log_t: new("q_z.log_t", &[1, 1])?,
    }))
}

/// log N(value; mean, exp(log_s)²), summed over all but the first dimension.
fn log_normal(value: &Tensor, mean: &Tensor, log_s: &Tensor) -> Result<Tensor> {
    let scaled = value.broadcast_sub(mean)?.broadcast_div(&log_s.exp()?)?.sqr()?;
    let all = (scaled.broadcast_add(&(log_s * 2.0)?)? + (2.0 * std::f64::consts::PI).ln())?;
    all.sum(1)? * -0.5
}

impl Toy {
    fn encode(&self, x: &Tensor, noise: &mut Noise, samples: usize) -> Result<(Tensor, Tensor)> {
        let mean = x.matmul(&self.v)?.broadcast_add(&self.c)?.repeat((samples, 1))?;
        let draw = noise.normal("z", &[mean.dim(0)?, 1], DType::F32, &Device::Cpu)?;
        Ok((mean.clone(), (mean + draw.broadcast_mul(&self.log_t.exp()?)?)?))
    }

    fn decode(&self, z: &Tensor) -> Result<Tensor> {
        z.matmul(&self.w)?.broadcast_add(&self.b)
    }
}

impl Model for Toy {
    fn params(&self) -> &Params {
        &self.params
    }

    fn bound(&self, data: &Values, noise: &mut Noise, options: &BoundOptions) -> Result<Terms> {
        let x = data.get("x")?.flatten_from(1)?;
        let (batch, samples) = (x.dim(0)?, options.samples);
        let (mean, z) = self.encode(&x, noise, samples)?;
        let reconstruction = log_normal(&x.repeat((samples, 1))?, &self.decode(&z)?, &self.log_s)?;
        let standard = Tensor::zeros((1, 1), DType::F32, &Device::Cpu)?;
        let kl = (log_normal(&z, &mean, &self.log_t)? - log_normal(&z, &standard, &standard)?)?;
        let term = |name, kind, value: Tensor| {
            Ok::<_, candle_core::Error>(Term { name, kind, value: value.reshape((samples, batch))? })
        };
        Ok(Terms {
            terms: vec![term("RE_x", TermKind::Reconstruction, reconstruction)?, term("KL_z", TermKind::Kl, kl)?],
            scores: Vec::new(),
            added: Vec::new(),
            gains: Vec::new(),
        })
    }

    fn modes(&self) -> &'static [Mode] {
        &[
            Mode { name: "generation", given: &[], partly: &[], completed: &[], yields: &["z", "x"] },
            Mode { name: "reconstruction", given: &["x"], partly: &[], completed: &[], yields: &["z", "x"] },
        ]
    }

    fn run(&self, mode: &str, given: &Values, count: usize, noise: &mut Noise, draw: &Draw) -> Result<Values> {
        let z = match mode {
            "generation" => (noise.normal("z", &[count, 1], DType::F32, &Device::Cpu)? * draw.temperature)?,
            _ => self.encode(&given.get("x")?.flatten_from(1)?, noise, 1)?.1,
        };
        let x = self.decode(&z)?.reshape(((), 3, 4, 4))?;
        Ok(Values::new().with("z", z).with("x", x))
    }
}

pub const COMPILED: Compiled = Compiled { name: "toy", path: "toy.pgm", source: SOURCE, sizes: &[], build };

pub fn spec() -> Spec {
    Spec {
        name: "toy".into(),
        source: SOURCE.into(),
        preset: None,
        settings: Vec::new(),
        variables: vec![
            Variable::new("x", Role::Observed, Space::Image, &SHAPE),
            Variable::new("z", Role::Latent, Space::Real, &[1]),
        ],
        builder: COMPILED.into(),
    }
}

/// Images that are light or dark as a whole, with some structure.
pub fn data() -> Data {
    let images = |from: usize, count: usize| {
        let bytes =
            (from..from + count).flat_map(|i| (0..SIZE).map(move |j| ((i * 37 % 101) + j * 3 + (i * j) % 13) as u8));
        Images::new(SHAPE, bytes.collect(), None).unwrap()
    };
    let (train, validation, test) = (images(0, 90), images(90, 20), images(110, 20));
    Data { name: "toy".into(), train, validation, test, kept: None }
}
