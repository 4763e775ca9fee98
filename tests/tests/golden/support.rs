//! Reading golden files, and comparing with them.

use anyhow::{Context, Result};
use srvae_runtime::candle_core::{self, DType, Device, Tensor, Var};
use srvae_runtime::{Params, torch};
use std::collections::HashMap;
use std::path::PathBuf;

/// Relative to the largest value: what f32 sums of a few thousand terms in another order differ by, with room.
pub const OUTPUT: f64 = 2e-5;
/// Gradients pass through more of them.
pub const GRADIENT: f64 = 2e-4;

/// A golden file.
pub struct Golden {
    tensors: HashMap<String, Tensor>,
    prefix: String,
}

/// Opens a file of the golden folder, or says that `test` is skipped.
pub fn open(test: &str, file: &str) -> Result<Option<Golden>> {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let named = std::env::var_os("GOLDEN_DIR").map(PathBuf::from);
    let folder = named.clone().unwrap_or_else(|| workspace.join("../shared/golden"));
    if named.is_none() && !folder.is_dir() {
        println!("skipped: golden {test} (no folder of golden values; name one with GOLDEN_DIR)");
        return Ok(None);
    }
    let path = folder.join(format!("{file}.safetensors"));
    let tensors = candle_core::safetensors::load(&path, &Device::Cpu).with_context(|| path.display().to_string())?;
    Ok(Some(Golden { tensors, prefix: String::new() }))
}

impl Golden {
    /// The tensors below `NAME/`.
    pub fn at(&self, name: &str) -> Self {
        Self { tensors: self.tensors.clone(), prefix: format!("{}{name}/", self.prefix) }
    }

    pub fn get(&self, name: &str) -> Result<Tensor> {
        let name = format!("{}{name}", self.prefix);
        Ok(self.tensors.get(&name).with_context(|| format!("no tensor {name}"))?.clone())
    }

    /// Names below a prefix, without it.
    pub fn names(&self, below: &str) -> Vec<String> {
        let start = format!("{}{below}", self.prefix);
        let mut names: Vec<String> =
            self.tensors.keys().filter_map(|key| key.strip_prefix(&start)).map(str::to_owned).collect();
        names.sort();
        names
    }

    /// Fails unless `ours` is the golden tensor within `tolerance` of its largest magnitude.
    pub fn close(&self, name: &str, ours: &Tensor, tolerance: f64) -> Result<()> {
        let theirs = self.get(name)?;
        let error = distance(ours, &theirs)?;
        println!("{}{name}: {error:.1e}", self.prefix);
        anyhow::ensure!(
            error <= tolerance,
            "{}{name}: relative error {error:.2e}, allowed {tolerance:.0e}",
            self.prefix
        );
        Ok(())
    }
}

/// Magnitudes below this count as this: some gradients vanish identically (the direction of a single weight), and both
/// codes give their rounding errors for it.
const FLOOR: f64 = 1e-2;

/// The largest difference over the largest magnitude of `theirs`.
pub fn distance(ours: &Tensor, theirs: &Tensor) -> Result<f64> {
    anyhow::ensure!(ours.dims() == theirs.dims(), "shapes {:?} and {:?}", ours.dims(), theirs.dims());
    let (ours, theirs) = (ours.to_dtype(DType::F64)?.flatten_all()?, theirs.to_dtype(DType::F64)?.flatten_all()?);
    let scale = theirs.abs()?.max(0)?.to_scalar::<f64>()?.max(FLOOR);
    let error = (ours - theirs)?.abs()?.max(0)?.to_scalar::<f64>()? / scale;
    Ok(if error.is_nan() { f64::INFINITY } else { error })
}

/// A store, empty.
pub fn params(dtype: DType) -> Params {
    Params::new(0, dtype, &Device::Cpu)
}

/// Ours and PyTorch's name of each parameter, `strip` taken off the latter.
pub fn names(params: &Params, strip: &str) -> Vec<(String, Var)> {
    let entries = params.entries();
    let ours: Vec<String> = entries.iter().map(|(name, _)| name.clone()).collect();
    let theirs =
        torch::torch_names(&ours).into_iter().map(|(_, name)| name.strip_prefix(strip).unwrap_or(&name).to_owned());
    theirs.zip(entries).map(|(name, (_, var))| (name, var)).collect()
}

/// Sets every parameter from `param/…`; fails if one has no value or a value no parameter.
pub fn load(golden: &Golden, params: &Params, strip: &str) -> Result<()> {
    let pairs = names(params, strip);
    for (name, var) in &pairs {
        let value = golden.get(&format!("param/{name}"))?;
        anyhow::ensure!(value.dims() == var.dims(), "{name}: shapes {:?} and {:?}", value.dims(), var.dims());
        var.set(&value.to_dtype(var.dtype())?)?;
    }
    params.touch();
    let (theirs, ours) = (golden.names("param/"), pairs.len());
    anyhow::ensure!(theirs.len() == ours, "{} golden parameters, {ours} of ours", theirs.len());
    Ok(())
}

/// Compares the gradient of every parameter with `grad/…`.
pub fn gradients(
    golden: &Golden,
    params: &Params,
    strip: &str,
    store: &candle_core::backprop::GradStore,
    tolerance: f64,
) -> Result<()> {
    for (name, var) in names(params, strip) {
        let ours = store.get(&var).with_context(|| format!("no gradient for {name}"))?;
        golden.close(&format!("grad/{name}"), ours, tolerance)?;
    }
    Ok(())
}
