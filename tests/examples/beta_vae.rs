//! A training loop of one's own: a β-VAE on arrays, with an optimiser of another crate.
//!
//! `cargo run --release -p srvae-tests --example beta_vae`

use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use srvae::{BoundOptions, DType, Device, Draw, Model, Noise, Params, Result, Tensor};

srvae::model!("examples/beta_vae.pgm");

use beta_vae::{BetaVae, Config, X};

const RECORDS: usize = 512;
const BATCH: usize = 64;

/// Six measurements of points on a ring, with some noise: `[RECORDS, 6]`.
fn data(noise: &mut Noise) -> Result<Tensor> {
    let angle = (noise.uniform("", &[RECORDS, 1], DType::F32, &Device::Cpu)? * std::f64::consts::TAU)?;
    let ring = Tensor::cat(&[angle.cos()?, angle.sin()?], 1)?;
    let mixing = noise.normal("", &[2, 6], DType::F32, &Device::Cpu)?;
    ring.matmul(&mixing)? + (noise.normal("", &[RECORDS, 6], DType::F32, &Device::Cpu)? * 0.1)?
}

/// A model trained for some epochs, and the mean divergence of each.
fn train(beta: f64, epochs: usize) -> Result<(BetaVae, Vec<f32>)> {
    let mut noise = Noise::seeded(1);
    let all = data(&mut noise)?;
    let params = Params::new(2, DType::F32, &Device::Cpu);
    let model = BetaVae::new(&Config::default(), &params)?;
    model.initialise(&X(all.narrow(0, 0, BATCH)?), &mut noise)?;

    let vars = params.entries().into_iter().map(|(_, var)| var).collect();
    let mut optimiser = AdamW::new(vars, ParamsAdamW { lr: 3e-3, ..ParamsAdamW::default() })?;
    let mut divergences = Vec::new();
    for _ in 0..epochs {
        let mut sum = 0.0;
        for start in (0..RECORDS).step_by(BATCH) {
            let x = X(all.narrow(0, start, BATCH)?);
            let bound = model.bound(&x, &mut noise, &BoundOptions::default())?;
            let loss = ((&bound.kl_z * beta)? - &bound.re_x)?.mean_all()?;
            optimiser.backward_step(&loss)?;
            sum += bound.kl_z.mean_all()?.to_scalar::<f32>()?;
        }
        divergences.push(sum / (RECORDS / BATCH) as f32);
    }
    Ok((model, divergences))
}

/// The estimate of ln p(x) by 64 importance samples, a mean over fresh data, nats.
fn likelihood(model: &BetaVae) -> Result<f32> {
    let mut noise = Noise::seeded(1);
    let x = X(data(&mut noise)?);
    let bound = model.params().inference(|| model.bound(&x, &mut noise, &BoundOptions::importance(64)))?;
    bound.log_likelihood()?.mean_all()?.to_scalar()
}

fn main() -> Result<()> {
    for beta in [1.0, 4.0] {
        let (model, divergences) = train(beta, 30)?;
        let last = divergences.last().copied().unwrap_or_default();
        println!("beta {beta}: KL {last:.2} nats, ln p(x) about {:.2} nats", likelihood(&model)?);
        let drawn = model.generation(4, &mut Noise::seeded(3), &Draw::default())?;
        println!("four draws:\n{}", drawn.x.0);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_optimiser_trains_and_a_larger_beta_costs_divergence() {
        let untrained = likelihood(&train(1.0, 0).unwrap().0).unwrap();
        let (plain, divergences) = train(1.0, 30).unwrap();
        let (_, held) = train(8.0, 30).unwrap();
        let trained = likelihood(&plain).unwrap();
        assert!(trained > untrained + 2.0, "{untrained} {trained}");
        assert!(divergences[29] > held[29] + 0.5, "{} {}", divergences[29], held[29]);
    }

    #[test]
    fn what_is_saved_is_the_same_model() {
        let (model, _) = train(1.0, 2).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        model.params().save(&path).unwrap();
        let other = BetaVae::new(&Config::default(), &Params::new(9, DType::F32, &Device::Cpu)).unwrap();
        other.params().load(&path).unwrap();
        assert_eq!(likelihood(&model).unwrap(), likelihood(&other).unwrap());
    }
}
