//! A model's parameters under PyTorch's names: reading, restoring, exporting.

use super::{pth, torch_names};
use crate::{DType, Device, Params, Tensor};
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// The tensors of a PyTorch state: a `.pth` file (of either format) or safetensors.
///
/// The prefix of a data-parallel model is removed, and the newer names of weight norm are converted to the older ones.
///
/// # Errors
/// A file that cannot be read, is damaged, or contains no state.
pub fn read(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    let is_safetensors = path.extension().is_some_and(|ending| ending == "safetensors");
    parse(&crate::input::read(path)?, is_safetensors)
        .with_context(|| format!("{}: not a PyTorch checkpoint or safetensors file that can be read", path.display()))
}

/// Parses a file's bytes.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8], is_safetensors: bool) -> Result<BTreeMap<String, Tensor>> {
    let tensors = match is_safetensors {
        true => crate::tensors::read(bytes, &Device::Cpu)?.tensors,
        false => pth::read(bytes)?,
    };
    let parallel = !tensors.is_empty() && tensors.keys().all(|name| name.starts_with("module."));
    let rename = |name: String| {
        let name = if parallel { name["module.".len()..].to_owned() } else { name };
        let name = name.replace("parametrizations.weight.original0", "weight_g");
        name.replace("parametrizations.weight.original1", "weight_v")
    };
    Ok(tensors.into_iter().map(|(name, tensor)| (rename(name), tensor)).collect())
}

/// Sets a model's parameters from a PyTorch state.
///
/// # Errors
/// One message with everything that is missing, unknown or of another shape, by PyTorch's names.
pub fn restore(params: &Params, state: &BTreeMap<String, Tensor>, place: &str) -> Result<()> {
    let pairs = named(params);
    let mut faults =
        ["missing in it", "of another shape", "unknown to the model", "no floats"].map(|what| (what, Vec::new()));
    for (name, var) in &pairs {
        match state.get(name) {
            None => faults[0].1.push(format!("{name} {:?}", var.dims())),
            Some(value) if value.dims() != var.dims() => {
                faults[1].1.push(format!("{name} is {:?}, the model has {:?}", value.dims(), var.dims()));
            }
            Some(value) if !value.dtype().is_float() => {
                faults[3].1.push(format!("{name} holds {}", value.dtype().as_str()))
            }
            Some(_) => {}
        }
    }
    let known: HashMap<&str, ()> = pairs.iter().map(|(name, _)| (name.as_str(), ())).collect();
    faults[2].1.extend(state.keys().filter(|name| !known.contains_key(name.as_str())).cloned());
    if faults.iter().any(|(_, names)| !names.is_empty()) {
        let groups = faults.iter().filter(|(_, names)| !names.is_empty());
        let listed: Vec<String> =
            groups.map(|(what, names)| format!("{} {what}:\n  {}", names.len(), names.join("\n  "))).collect();
        bail!(
            "{place}: these weights do not fit the model at these settings (another --preset or --set?)\n{}",
            listed.join("\n")
        );
    }
    for (name, var) in &pairs {
        var.set(&state[name].to_dtype(var.dtype())?.to_device(var.device())?)?;
    }
    params.touch();
    Ok(())
}

/// Writes the parameters to a safetensors file with PyTorch's names, in f32.
///
/// # Errors
/// A path that cannot be written.
pub fn export(params: &Params, about: &BTreeMap<String, String>, path: &Path) -> Result<usize> {
    let tensors: BTreeMap<String, Tensor> = named(params)
        .into_iter()
        .map(|(name, var)| Ok((name, var.to_dtype(DType::F32)?.to_device(&Device::Cpu)?.contiguous()?)))
        .collect::<Result<_>>()?;
    let bytes = crate::tensors::write(&tensors, about)
        .with_context(|| format!("{}: the weights could not be put together", path.display()))?;
    crate::files::write(path, &bytes)?;
    Ok(tensors.len())
}

/// PyTorch's name of every parameter.
fn named(params: &Params) -> Vec<(String, candle_core::Var)> {
    let entries = params.entries();
    let ours: Vec<String> = entries.iter().map(|(name, _)| name.clone()).collect();
    torch_names(&ours).into_iter().map(|(_, name)| name).zip(entries.into_iter().map(|(_, var)| var)).collect()
}
