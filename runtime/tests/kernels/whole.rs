//! A complete model with two levels: its bound, and the gradients of all its parameters.

use super::compare::{agree_with_parameters, moved, normal};
use super::imitation::with_kernels;
use anyhow::Result;
use srvae::candle_core;
use srvae::dist::{Distribution, Flowed, LogisticMixture, Normal, StandardNormal, normal_kl};
use srvae::flow::{RealNvp, RealNvpConfig};
use srvae::nn::{Decoder, DecoderConfig, DenseNet, DenseNetConfig, Encoder, EncoderConfig};
use srvae::ops;
use srvae::{Draw, Noise, Params, Tensor};

crate::trials!(a_whole_model);

/// The layers of the shipped model, as small as possible: u and z are `[4, 4, 4]`, y has half the size of x.
struct Model {
    prior: Flowed<StandardNormal, RealNvp>,
    q_u: Encoder,
    q_z: Encoder,
    p_y: Decoder,
    p_z: DenseNet,
    p_x: DenseNet,
    decoder: Decoder,
}

const LATENT: [usize; 3] = [4, 4, 4];
const COMPONENTS: usize = 2;

impl Model {
    fn new(params: &Params) -> candle_core::Result<Self> {
        let (growth, steps, out) = (2, 1, 8);
        let logits = LogisticMixture::channels(&[3], COMPONENTS);
        let encoder = |name: &str, input: [usize; 3], down: usize| {
            Encoder::new(&params.at(name), &input, EncoderConfig { growth, steps, down, out })
        };
        let decoder = |name: &str, growth: usize, up: usize, out: usize| {
            Decoder::new(&params.at(name), &LATENT, DecoderConfig { growth, steps, up, out })
        };
        let flow = RealNvpConfig { scales: 2, growth, steps };
        let dense = DenseNetConfig { growth, steps, blocks: 2, out };
        Ok(Self {
            prior: Flowed::new(StandardNormal::new(params, &LATENT)?, RealNvp::new(&params.at("flow"), &LATENT, flow)?),
            q_u: encoder("q_u", [3, 8, 8], 1)?,
            q_z: encoder("q_z", [3, 16, 16], 2)?,
            p_y: decoder("p_y", 2, 1, logits)?,
            p_z: DenseNet::new(&params.at("p_z"), &LATENT, dense)?,
            p_x: DenseNet::new(&params.at("p_x"), &[9, 16, 16], DenseNetConfig { out: logits, ..dense })?,
            decoder: decoder("p_x_z", 4, 2, 6)?,
        })
    }

    /// The bound of two images, in nats each.
    fn bound(&self, x: &Tensor, draws: [&Tensor; 2]) -> candle_core::Result<Tensor> {
        let mut noise = Noise::seeded(1);
        for (name, draw) in ["u", "z"].into_iter().zip(draws) {
            noise.record(name, draw.clone());
        }
        let y = ops::transform::downscale(x, 2)?;
        let q_u = Normal::from_head(&self.q_u.forward(&y)?)?;
        let q_z = Normal::from_head(&self.q_z.forward(x)?)?;
        let u = q_u.sample("u", &mut noise, &Draw::default())?;
        let z = q_z.sample("z", &mut noise, &Draw::default())?;
        let p_z = Normal::from_head(&self.p_z.forward(&u)?)?;
        let parts = [&ops::upsample(&y, 2)?, &self.decoder.forward(&z)?];
        let p_x = LogisticMixture::from_head(&self.p_x.forward(&ops::concat(&parts)?)?, COMPONENTS)?;
        let p_y = LogisticMixture::from_head(&self.p_y.forward(&u)?, COMPONENTS)?;
        let likelihood = (p_x.log_prob(x)? + p_y.log_prob(&y)?)?;
        let kl_u = (q_u.log_prob(&u)? - self.prior.log_prob(&u)?)?;
        (likelihood - kl_u)? - normal_kl(&q_z, &p_z)?
    }
}

fn a_whole_model() -> Result<()> {
    with_kernels(|| {
        let draws = [normal(3, &[2, 4, 4, 4])?, normal(4, &[2, 4, 4, 4])?];
        // An image is data on the grid and has no gradient.
        agree_with_parameters("the bound", &[2, 3, 16, 16], Model::new, |model, picture| {
            let levels = ((picture.detach().clamp(-2.0, 2.0)? + 2.0)? * 63.75)?.round()?;
            let x = (levels / 255.0)?;
            let draw = |at: usize| moved(&draws[at], x.dtype());
            model.bound(&x, [&draw(0)?, &draw(1)?])
        })
    })
}
