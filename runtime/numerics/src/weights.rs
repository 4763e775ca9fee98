//! Parameters as files: only the values, by name, in the safetensors format.

use crate::{Params, Result, Tensor, tensors};
use candle_core::{Error, bail};
use std::collections::BTreeMap;
use std::path::Path;

/// The number of faults that a message lists before it counts the others.
const SHOWN: usize = 8;

impl Params {
    /// Writes every parameter by name, with a checksum of the whole file. The file is written under a temporary name
    /// and then renamed.
    ///
    /// # Errors
    /// A path that cannot be written, or a failed tensor operation.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let values = self.entries().into_iter().map(|(name, var)| Ok((name, var.as_tensor().contiguous()?)));
        let values: BTreeMap<String, Tensor> = values.collect::<Result<_>>()?;
        let bytes = tensors::write(&values, &BTreeMap::new())?;
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let failed =
            |reason: &dyn std::fmt::Display| Error::Msg(format!("{}: cannot be written: {reason}", path.display()));
        let written = std::fs::write(&partial, bytes).map_err(|reason| failed(&reason));
        let kept = written.and_then(|()| std::fs::rename(&partial, path).map_err(|reason| failed(&reason)));
        kept.inspect_err(|_| drop(std::fs::remove_file(&partial)))
    }

    /// Reads a file of [`Params::save`] into the parameters of a model that was built in this store. Files of other
    /// programs, which have no checksum, are accepted. If the file does not fit, nothing changes.
    ///
    /// # Errors
    /// A file that cannot be read or is damaged; or one message with all missing, unknown and misshapen values.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(Error::from);
        let file = bytes.and_then(|bytes| tensors::read(&bytes, self.device()));
        let file = file.map_err(|reason| Error::Msg(format!("{}: cannot be read: {reason}", path.display())))?;
        self.restore(&file.tensors).map_err(|reason| Error::Msg(format!("{}: {reason}", path.display())))
    }

    /// Sets the parameters of these names to the values.
    ///
    /// # Errors
    /// One message with all missing, unknown and misshapen values. Nothing has changed then.
    pub fn restore(&self, values: &BTreeMap<String, Tensor>) -> Result<()> {
        let entries = self.entries();
        let mut faults = Vec::new();
        for (name, var) in &entries {
            match values.get(name) {
                None => faults.push(format!("{name} is missing")),
                Some(value) if value.dims() != var.dims() => {
                    faults.push(format!("{name} has shape {:?}, the model wants {:?}", value.dims(), var.dims()));
                }
                Some(value) if !value.dtype().is_float() => {
                    faults.push(format!("{name} holds {}; expected floats", value.dtype().as_str()));
                }
                Some(_) => {}
            }
        }
        let superfluous = values.keys().filter(|name| !entries.iter().any(|(key, _)| key == *name));
        faults.extend(superfluous.map(|name| format!("{name} is not in the model")));
        if !faults.is_empty() {
            let more = faults.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            faults.truncate(SHOWN);
            bail!("parameters do not fit the model: {}{more}", faults.join("; "));
        }
        for (name, var) in &entries {
            var.set(&values[name].to_dtype(var.dtype())?.to_device(var.device())?)?;
        }
        self.touch();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Device};

    fn store(shape: &[usize]) -> Params {
        let params = Params::new(3, DType::F32, &Device::Cpu);
        params.normal("weight", shape, 0.0, 1.0).unwrap();
        params.constant("bias", &[2], 0.5).unwrap();
        params
    }

    fn values(params: &Params) -> Vec<f32> {
        params.entries().iter().flat_map(|(_, var)| var.flatten_all().unwrap().to_vec1::<f32>().unwrap()).collect()
    }

    #[test]
    fn what_was_saved_is_loaded_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let (from, to) = (store(&[3, 2]), store(&[3, 2]));
        to.entries()[0].1.set(&Tensor::zeros((3, 2), DType::F32, &Device::Cpu).unwrap()).unwrap();
        from.save(&path).unwrap();
        to.load(&path).unwrap();
        assert_eq!(values(&from), values(&to));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn one_flipped_bit_is_refused_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let params = store(&[3, 2]);
        params.save(&path).unwrap();
        let (good, before) = (std::fs::read(&path).unwrap(), values(&params));
        for number in 0..200 {
            let mut bytes = good.clone();
            // A step size that has no factor in common with the number of bits: 200 places all over the file.
            let bit = number * 7919 % (8 * bytes.len());
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, bytes).unwrap();
            assert!(params.load(&path).is_err(), "bit {bit}");
            assert_eq!(values(&params), before);
        }
    }

    #[test]
    fn files_of_others_are_read_without_a_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let params = store(&[3, 2]);
        let all = params.entries().into_iter().map(|(name, var)| (name, var.as_tensor().clone()));
        candle_core::safetensors::save(&all.collect(), &path).unwrap();
        store(&[3, 2]).load(&path).unwrap();
    }

    #[test]
    fn a_file_that_does_not_fit_changes_nothing_and_says_all_that_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        store(&[3, 2]).save(&path).unwrap();
        let other = store(&[2, 2]);
        other.constant("scale", &[1], 1.0).unwrap();
        let before = values(&other);
        let said = other.load(&path).unwrap_err().to_string();
        for words in ["weights.safetensors", "weight has shape [3, 2], the model wants [2, 2]", "scale is missing"] {
            assert!(said.contains(words), "{said}");
        }
        assert_eq!(values(&other), before);
        let said = other.load(folder.path().join("none")).unwrap_err().to_string();
        assert!(said.contains("none: cannot be read"), "{said}");
        std::fs::write(&path, b"no safetensors").unwrap();
        assert!(other.load(&path).is_err());
        assert!(other.save(folder.path().join("no/folder")).is_err());
    }
}
