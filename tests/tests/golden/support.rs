//! Reading of golden files and fixtures, and comparison with them.

use super::made;
use anyhow::{Context, Result};
use srvae::candle_core::{self, DType, Device, Tensor, Var};
use srvae::ops::cuda::probe;
use srvae::{Params, torch};
use srvae_tests::trials::{Missing, measured};
use std::collections::HashMap;
use std::path::Path;
use std::sync::OnceLock;

/// Relative to the largest value: a margin above the difference of f32 sums of a few thousand terms in another order.
pub const OUTPUT: f64 = 2e-5;
/// Gradients pass through more sums.
pub const GRADIENT: f64 = 2e-4;

/// A golden file.
pub struct Golden {
    tensors: HashMap<String, Tensor>,
    prefix: String,
}

/// Opens a file of the folder that the test target names.
///
/// # Errors [`Missing`] if there is no such folder, or no device as requested by `SRVAE_TEST_DEVICE`.
pub fn open(file: &str) -> Result<Golden> {
    device().map_err(Missing)?;
    Golden::load(&super::folder()?, file)
}

/// The device: the CPU, or with `SRVAE_TEST_DEVICE=cuda` the first GPU. Otherwise the reason why there is none.
pub fn device() -> Result<Device, String> {
    static DEVICE: OnceLock<Result<Device, String>> = OnceLock::new();
    let asked = || std::env::var("SRVAE_TEST_DEVICE").is_ok_and(|device| device == "cuda");
    let first = || if asked() { probe::first().map(|found| found.device) } else { Ok(Device::Cpu) };
    DEVICE.get_or_init(first).clone()
}

impl Golden {
    /// A file of a folder; values that are a function of their name are computed.
    fn load(folder: &Path, file: &str) -> Result<Self> {
        let path = folder.join(format!("{file}.safetensors"));
        let device = device().map_err(anyhow::Error::msg)?;
        let stored = candle_core::safetensors::load(&path, &Device::Cpu).with_context(|| path.display().to_string())?;
        let each = stored.into_iter().map(|(name, value)| match name.strip_suffix("@made") {
            Some(name) => Ok((name.to_owned(), made::tensor(&format!("{file}/{name}"), &value.to_vec1::<u32>()?)?)),
            None => Ok((name, value)),
        });
        let each = each.map(|named: Result<(String, Tensor)>| {
            let (name, value) = named?;
            Ok((name, value.to_device(&device)?))
        });
        Ok(Self { tensors: each.collect::<Result<_>>()?, prefix: String::new() })
    }

    /// The tensors below `NAME/`.
    pub fn at(&self, name: &str) -> Self {
        Self { tensors: self.tensors.clone(), prefix: format!("{}{name}/", self.prefix) }
    }

    pub fn get(&self, name: &str) -> Result<Tensor> {
        let name = format!("{}{name}", self.prefix);
        Ok(self.tensors.get(&name).with_context(|| format!("no tensor {name}"))?.clone())
    }

    /// Names with a prefix, without it.
    pub fn names(&self, below: &str) -> Vec<String> {
        let start = format!("{}{below}", self.prefix);
        let mut names: Vec<String> =
            self.tensors.keys().filter_map(|key| key.strip_prefix(&start)).map(str::to_owned).collect();
        names.sort();
        names
    }

    /// Fails unless `ours` is within `tolerance` of the golden tensor, relative to its largest magnitude.
    pub fn close(&self, name: &str, ours: &Tensor, tolerance: f64) -> Result<()> {
        self.within(name, ours, Tolerance::Relative(tolerance))
    }

    /// Fails unless `ours` is within a tolerance of the golden tensor.
    pub fn within(&self, name: &str, ours: &Tensor, tolerance: Tolerance) -> Result<()> {
        let (theirs, ours) = self.stored(name, ours)?;
        let (error, allowed) = match tolerance {
            Tolerance::Relative(allowed) => (distance(&ours, &theirs)?, allowed),
            Tolerance::Beside(allowed, least) => {
                (difference(&ours, &theirs)? / magnitude(&theirs)?.max(least), allowed)
            }
            Tolerance::Nats(allowed) => (difference(&ours, &theirs)?, allowed),
        };
        measured(&format!("{}{name}: {error:.1e}", self.prefix));
        anyhow::ensure!(error <= allowed, "{}{name}: off by {error:.2e}, allowed {allowed:.0e}", self.prefix);
        Ok(())
    }

    /// The largest magnitude of the stored values of a tensor.
    pub fn largest(&self, name: &str) -> Result<f64> {
        let whole = format!("{}{name}", self.prefix);
        let part = format!("{whole}%");
        let found = self.tensors.iter().find(|(key, _)| **key == whole || key.starts_with(&part));
        magnitude(found.with_context(|| format!("no tensor {whole}"))?.1)
    }

    /// The golden tensor with the corresponding values of ours: all values, or those that are stored, every K-th under
    /// `NAME%K`.
    fn stored(&self, name: &str, ours: &Tensor) -> Result<(Tensor, Tensor)> {
        if let Ok(whole) = self.get(name) {
            return Ok((whole, ours.clone()));
        }
        let start = format!("{}{name}%", self.prefix);
        let found = self.tensors.iter().find_map(|(key, value)| Some((key.strip_prefix(&start)?, value)));
        let (stride, theirs) = found.with_context(|| format!("no tensor {}{name}", self.prefix))?;
        let every: Vec<u32> = (0..ours.elem_count() as u32).step_by(stride.parse()?).collect();
        let count = every.len();
        let ours = ours.flatten_all()?.index_select(&Tensor::from_vec(every, count, ours.device())?, 0)?;
        Ok((theirs.clone(), ours))
    }
}

/// The permitted difference.
#[derive(Clone, Copy)]
pub enum Tolerance {
    /// Relative to the largest magnitude.
    Relative(f64),
    /// Relative to the largest magnitude, or to another one that is larger.
    Beside(f64, f64),
    /// Absolute.
    Nats(f64),
}

/// Smaller magnitudes are replaced by this one: relative to a number that is almost 0, rounding errors are large.
const FLOOR: f64 = 1e-3;

/// The largest difference divided by the largest magnitude of `theirs`.
pub fn distance(ours: &Tensor, theirs: &Tensor) -> Result<f64> {
    Ok(difference(ours, theirs)? / magnitude(theirs)?.max(FLOOR))
}

fn magnitude(values: &Tensor) -> Result<f64> {
    Ok(values.to_dtype(DType::F64)?.flatten_all()?.abs()?.max(0)?.to_scalar()?)
}

/// The largest difference; infinite if a value is not a number.
fn difference(ours: &Tensor, theirs: &Tensor) -> Result<f64> {
    anyhow::ensure!(ours.dims() == theirs.dims(), "shapes {:?} and {:?}", ours.dims(), theirs.dims());
    let (ours, theirs) = (ours.to_dtype(DType::F64)?.flatten_all()?, theirs.to_dtype(DType::F64)?.flatten_all()?);
    let error = (ours - theirs)?.abs()?.max(0)?.to_scalar::<f64>()?;
    Ok(if error.is_nan() { f64::INFINITY } else { error })
}

/// An empty parameter store.
pub fn params(dtype: DType) -> Params {
    Params::new(0, dtype, &device().unwrap_or(Device::Cpu))
}

/// Our name and PyTorch's name of each parameter, the latter without `strip`.
pub fn names(params: &Params, strip: &str) -> Vec<(String, Var)> {
    let entries = params.entries();
    let ours: Vec<String> = entries.iter().map(|(name, _)| name.clone()).collect();
    let theirs =
        torch::torch_names(&ours).into_iter().map(|(_, name)| name.strip_prefix(strip).unwrap_or(&name).to_owned());
    theirs.zip(entries).map(|(name, (_, var))| (name, var)).collect()
}

/// Sets every parameter from `param/…`. Fails if a parameter has no value, or a value no parameter.
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
        let name = format!("grad/{name}");
        // The gradient of a direction is a small difference of terms as large as those of its scale (0 for a single
        // weight), and both implementations return their rounding errors for it.
        let tolerance = match name.strip_suffix("weight_v") {
            Some(stem) => Tolerance::Beside(tolerance, golden.largest(&format!("{stem}weight_g"))?),
            None => Tolerance::Relative(tolerance),
        };
        golden.within(&name, ours, tolerance)?;
    }
    Ok(())
}
