//! Weights to PyTorch and back: PyTorch computes the same bounds, and imported weights have the same bits.
//!
//! PyTorch is used through the program that `PYTHON` names, by default `python3`. Without it, the tests that need it
//! are ignored and print the reason.

use anyhow::{Context, Result, ensure};
use srvae::candle_core::safetensors;
use srvae::params::Phase;
use srvae::{BoundOptions, Compiled, DType, Device, Draw, Noise, Params, Settings, Tensor, Values, interpret, torch};
use srvae_tests::trials::{self, Missing, measured};
use srvae_tests::{inputs, srvae_golden, vae_golden};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

srvae_tests::trials!(
    the_vae_goes_to_pytorch_and_back,
    the_srvae_goes_to_pytorch_and_back,
    the_mlp_vae_has_a_twin,
    the_dmm_has_a_twin,
    the_vdvae_has_a_twin,
    everything_that_does_not_fit_is_listed
);

fn main() -> ExitCode {
    trials::run(&[TRIALS])
}

/// Networks of a dozen layers in f32, with sums in another order and terms of thousands of nats.
const TOLERANCE: f64 = 1e-5;

/// Both in f64: the difference is rounding, passed through a dozen levels.
const DOUBLE: f64 = 1e-10;

fn python() -> Result<Command, Missing> {
    let name = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let probe = Command::new(&name).args(["-c", "import torch, safetensors.torch"]).output();
    if probe.is_ok_and(|output| output.status.success()) {
        return Ok(Command::new(name));
    }
    Err(Missing("no Python with torch and safetensors; name one with PYTHON".into()))
}

/// A model initialised with data, so none of its layers is degenerate.
fn trained(model: &Compiled, x: &Tensor, seed: u64) -> Result<(Box<dyn srvae::Model>, Params)> {
    let params = Params::new(seed, DType::F32, &Device::Cpu);
    let built = (model.build)(&Settings::new(), &params)?;
    heard(built.as_ref(), &params, &Values::new().with("x", x.clone()), seed)?;
    Ok((built, params))
}

/// Initialises with data, which leaves outputs near zero. Scales near one give every layer an influence.
fn heard(model: &dyn srvae::Model, params: &Params, data: &Values, seed: u64) -> Result<()> {
    params.set_phase(Phase::Initialisation);
    model.bound(data, &mut Noise::seeded(seed), &BoundOptions::default())?;
    params.set_phase(Phase::Inference);
    params.touch();
    for (name, var) in params.entries() {
        if name.ends_with("weight_g") {
            var.set(&(var.ones_like()? * 0.8)?)?;
        }
    }
    params.touch();
    Ok(())
}

fn pictures() -> Result<Tensor> {
    let bytes = (0..2 * 3 * 1024u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 27) as f32 * 6.0 + (at % 32) as f32);
    Ok((Tensor::from_iter(bytes.map(f32::floor), &Device::Cpu)?.reshape((2, 3, 32, 32))? / 255.0)?)
}

/// The images, the noise, and the results of our code.
fn case(model: &dyn srvae::Model, x: &Tensor, latents: &[&str]) -> Result<HashMap<String, Tensor>> {
    let given = Values::new().with("x", x.clone());
    let mut tensors = HashMap::from([("x".to_owned(), x.clone())]);
    let mut noise = Noise::seeded(5);
    let mut drawn = Noise::seeded(6);
    for latent in latents {
        let draw = drawn.normal(latent, &[2, 16, 8, 8], DType::F32, &Device::Cpu)?;
        noise.record(latent, draw.clone());
        tensors.insert(format!("noise/{latent}"), draw);
    }
    for term in model.bound(&given, &mut noise, &BoundOptions::importance(1))?.terms {
        tensors.insert(format!("term/{}", term.name), term.value.squeeze(0)?);
    }
    let values = model.run("reconstruction", &given, 2, &mut Noise::seeded(7), &Draw::default())?;
    if let Some(y) = values.find("y") {
        tensors.insert("y".into(), y.clone());
    }
    Ok(tensors)
}

fn same_bits(a: &Params, b: &Params) -> Result<()> {
    for ((name, ours), (_, theirs)) in a.entries().iter().zip(b.entries()) {
        let bits = |tensor: &Tensor| -> Result<Vec<u32>> {
            Ok(tensor.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f32::to_bits).collect())
        };
        ensure!(bits(ours)? == bits(theirs.as_tensor())?, "{name} differs");
    }
    Ok(())
}

fn import(model: &Compiled, path: &Path) -> Result<Params> {
    let params = Params::new(99, DType::F32, &Device::Cpu);
    let _built = (model.build)(&Settings::new(), &params)?;
    torch::restore(&params, &torch::read(path)?, &path.display().to_string())?;
    Ok(params)
}

fn round_trip(test: &str, model: &Compiled, latents: &[&str]) -> Result<()> {
    let place = tempfile::tempdir()?;
    let at = |name: &str| place.path().join(name);
    let x = pictures()?;
    let (built, params) = trained(model, &x, 1)?;
    torch::export(&params, &BTreeMap::new(), &at("ours.safetensors"))?;
    same_bits(&params, &import(model, &at("ours.safetensors"))?)?;
    let mut python = python()?;
    safetensors::save(&case(built.as_ref(), &x, latents)?, at("case.safetensors"))?;
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/torch/round_trip.py");
    let output = python.arg(script).args([at("ours.safetensors"), at("case.safetensors"), at("theirs")]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let errors: HashMap<String, f64> = serde_json::from_slice(&output.stdout).context("the script's last line")?;
    ensure!(errors.len() == 2 * latents.len(), "{errors:?}");
    for (name, error) in &errors {
        measured(&format!("{test}, {name}: {error:.1e}"));
        ensure!(*error < TOLERANCE, "{name}: relative error {error:.1e}");
    }
    for file in ["theirs.pth", "theirs.old.pth"] {
        same_bits(&params, &import(model, &at(file))?)?;
    }
    damaged(model, &at("theirs.pth"), &at("theirs.old.pth"))
}

/// Truncated files of each format.
fn damaged(model: &Compiled, new: &Path, old: &Path) -> Result<()> {
    for path in [new, old] {
        let whole = std::fs::read(path)?;
        for length in [0, 10, 200, whole.len() / 2, whole.len() - 30] {
            std::fs::write(path, &whole[..length])?;
            let error = format!("{:#}", import(model, path).map(|_| ()).expect_err("a file that is cut short"));
            ensure!(error.contains(&path.display().to_string()), "{error}");
        }
    }
    Ok(())
}

fn the_vae_goes_to_pytorch_and_back() -> Result<()> {
    round_trip("the_vae_goes_to_pytorch_and_back", &vae_golden::COMPILED, &["z"])
}

fn the_srvae_goes_to_pytorch_and_back() -> Result<()> {
    round_trip("the_srvae_goes_to_pytorch_and_back", &srvae_golden::COMPILED, &["u", "z"])
}

/// A model of the zoo and its twin in PyTorch, which the speed comparison uses: the same weights, data and draws yield
/// the same terms.
fn twin(test: &str, name: &str) -> Result<()> {
    let mut python = python()?;
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models");
    let path = root.join(format!("zoo/{name}.pgm")).display().to_string();
    let text = std::fs::read_to_string(&path)?;
    let compilation = srvae_dsl::compile(&srvae_dsl::Source::new(&path, &text), &srvae_dsl::Overrides::default());
    let checked = compilation.model().context("a model that checks")?;
    let params = Params::new(1, DType::F64, &Device::Cpu);
    let model = interpret::builder(&path, &text).build(&Settings::new(), &params)?;
    let steps = checked.variables.iter().filter_map(|variable| variable.step).max().unwrap_or(1);
    let data = inputs::whole(checked, &Tensor::full(steps as f32, (inputs::BATCH, 1), &Device::Cpu)?);
    let data = data.iter().try_fold(Values::new(), |data, (name, value)| {
        Ok::<_, anyhow::Error>(data.with(name, value.to_dtype(DType::F64)?))
    })?;
    heard(model.as_ref(), &params, &data, 1)?;
    // Files of weights are in f32.
    for (_, var) in params.entries() {
        var.set(&var.to_dtype(DType::F32)?.to_dtype(DType::F64)?)?;
    }
    params.touch();

    let mut case: HashMap<String, Tensor> = data.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let (mut noise, mut drawn) = (Noise::seeded(5), Noise::seeded(6));
    for variable in checked.variables.iter().filter(|variable| data.find(&variable.name).is_none()) {
        let shape = [&[inputs::BATCH], variable.shape.as_slice()].concat();
        let draw = drawn.normal(&variable.name, &shape, DType::F64, &Device::Cpu)?;
        noise.record(&variable.name, draw.clone());
        case.insert(format!("noise/{}", variable.name), draw);
    }
    for term in model.bound(&data, &mut noise, &BoundOptions::default())?.terms {
        // The members of a family together.
        let name = format!("term/{}", term.name.split('[').next().unwrap_or_default());
        let value = term.value.squeeze(0)?;
        let sum = case.remove(&name).map_or(Ok(value.clone()), |sum| sum + &value)?;
        case.insert(name, sum);
    }
    let place = tempfile::tempdir()?;
    let at = |name: &str| place.path().join(name);
    torch::export(&params, &BTreeMap::new(), &at("ours.safetensors"))?;
    safetensors::save(&case, at("case.safetensors"))?;
    let given = ["check", "--model", name, "--length", &steps.to_string()].map(str::to_owned);
    let output = python
        .arg(root.join("benches/peers/twins.py"))
        .args(given)
        .args([at("ours.safetensors"), at("case.safetensors")])
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let errors: HashMap<String, f64> = serde_json::from_slice(&output.stdout).context("the script's last line")?;
    ensure!(errors.len() == 2, "{errors:?}");
    for (name, error) in &errors {
        measured(&format!("{test}, {name}: {error:.1e}"));
        ensure!(*error < DOUBLE, "{name}: relative error {error:.1e}");
    }
    Ok(())
}

fn the_mlp_vae_has_a_twin() -> Result<()> {
    twin("the_mlp_vae_has_a_twin", "vae")
}

fn the_dmm_has_a_twin() -> Result<()> {
    twin("the_dmm_has_a_twin", "dmm")
}

fn the_vdvae_has_a_twin() -> Result<()> {
    twin("the_vdvae_has_a_twin", "vdvae")
}

fn everything_that_does_not_fit_is_listed() -> Result<()> {
    let place = tempfile::tempdir()?;
    let path = place.path().join("weights.safetensors");
    let (_, params) = trained(&vae_golden::COMPILED, &pictures()?, 1)?;
    torch::export(&params, &BTreeMap::new(), &path)?;
    let mut tensors = safetensors::load(&path, &Device::Cpu)?;
    for (number, name) in
        ["p_x.core_nn.0.core_nn.4.conv.bias", "q_z.core_nn.0.core_nn.5.conv.weight_v"].iter().enumerate()
    {
        let tensor = tensors.remove(*name).context("a name of the model")?;
        if number == 1 {
            tensors.insert((*name).to_owned(), tensor.narrow(0, 0, 3)?.contiguous()?);
        }
    }
    tensors.insert("p_x.extra".into(), Tensor::zeros(3, DType::F32, &Device::Cpu)?);
    safetensors::save(&tensors, &path)?;
    let error = import(&vae_golden::COMPILED, &path).map(|_| ()).expect_err("weights that do not fit").to_string();
    for words in [
        "weights.safetensors",
        "1 missing in it:\n  p_x.core_nn.0.core_nn.4.conv.bias [100]",
        "1 of another shape:\n  q_z.core_nn.0.core_nn.5.conv.weight_v is [3, ",
        "1 unknown to the model:\n  p_x.extra",
        "--preset",
    ] {
        ensure!(error.contains(words), "`{words}` is not in {error}");
    }
    Ok(())
}
