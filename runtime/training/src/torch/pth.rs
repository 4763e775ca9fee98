//! PyTorch's `.pth` files: archives since version 1.6, before that pickles followed by the numbers.

use crate::input;
use crate::pickle::{Item, Pickle};
use crate::{DType, Device, Tensor};
use anyhow::{Context, Result, bail, ensure};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The beginning of the older format: a pickle of this number, little-endian.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// Keys under which training scripts store a model's state.
const STATES: [&str; 4] = ["model_state_dict", "state_dict", "model", "net"];
/// The maximum number of axes of a tensor.
const MOST_AXES: usize = 16;
/// The maximum number of nested calls around a tensor, because a parameter is built from one.
const MOST_CALLS: usize = 4;

/// The tensors of a model's state, by PyTorch's names.
///
/// # Errors
/// A file of another format, a damaged or truncated file, or one without a state.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>> {
    if bytes.starts_with(b"PK") { archive(bytes) } else { pickles(bytes) }
}

/// Bytes of the storages, by their keys.
type Storages<'a> = BTreeMap<String, Cow<'a, [u8]>>;

fn archive(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>> {
    let mut archive = input::Archive::open(bytes, input::limit())?;
    let names = archive.names().to_vec();
    let mut program = None;
    let mut storages = Storages::new();
    for (index, name) in names.iter().enumerate() {
        let (folder, key) = name.rsplit_once('/').unwrap_or(("", name));
        let is_data = folder.ends_with("/data") || folder == "data";
        // The checksum of every member is verified, even if its content is not needed.
        let content = archive.member(index)?;
        if key == "data.pkl" {
            ensure!(program.is_none(), "there are two members named data.pkl");
            program = Some(content);
        } else if is_data {
            ensure!(storages.insert(key.to_owned(), content).is_none(), "there are two storages named {key}");
        } else if key == "byteorder" {
            ensure!(content.as_ref() != b"big", "it is big-endian, which is not supported");
        }
    }
    let program = program.context("not a PyTorch file: the archive has no data.pkl")?;
    tensors(Pickle::whole(&program)?.root(), &storages)
}

fn pickles(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>> {
    let mut at = 0;
    let mut next = |what: &str| -> Result<Pickle<'_>> {
        let (pickle, length) = Pickle::read(&bytes[at..]).with_context(|| format!("no {what} in it"))?;
        at += length;
        Ok(pickle)
    };
    let magic = next("PyTorch checkpoint")?;
    ensure!(magic.root().bytes() == Some(&MAGIC), "not a PyTorch checkpoint");
    next("version")?;
    next("system")?;
    let (state, keys) = (next("state")?, next("list of storages")?);
    // Only the state contains the widths of the numbers.
    let widths: BTreeMap<&str, usize> =
        state.outsides().filter_map(storage_type).map(|(key, dtype)| (key, dtype.size_in_bytes())).collect();
    let mut storages = Storages::new();
    for key in keys.root().items().context("it contains no list of storages")? {
        let key = key.text().context("a storage without a name")?;
        let count = bytes.get(at..).and_then(<[u8]>::first_chunk).context("the file is cut short")?;
        let count = u64::from_le_bytes(*count);
        let width = *widths.get(key).with_context(|| format!("storage {key} belongs to no tensor"))?;
        let length = usize::try_from(count)?.checked_mul(width).context("a storage without end")?;
        at += 8;
        let content = at.checked_add(length).and_then(|end| bytes.get(at..end)).with_context(|| {
            format!("storage {key} has {length} bytes and {} are left; the file is cut short", bytes.len() - at)
        })?;
        ensure!(storages.insert(key.to_owned(), content.into()).is_none(), "there are two storages named {key}");
        at += length;
    }
    ensure!(at == bytes.len(), "{} bytes follow the last storage; the file is damaged", bytes.len() - at);
    tensors(state.root(), &storages)
}

/// Key and type of a storage: `("storage", torch.FloatStorage, key, device, numbers)`.
fn storage_type(storage: Item<'_>) -> Option<(&str, DType)> {
    let dtype = match storage.item(1)?.global()?.as_str() {
        "torch.FloatStorage" => DType::F32,
        "torch.DoubleStorage" => DType::F64,
        "torch.HalfStorage" => DType::F16,
        "torch.BFloat16Storage" => DType::BF16,
        "torch.LongStorage" => DType::I64,
        "torch.IntStorage" => DType::I32,
        "torch.ByteStorage" | "torch.BoolStorage" => DType::U8,
        _ => return None,
    };
    Some((storage.item(2)?.text()?, dtype))
}

fn tensors(root: Item<'_>, storages: &Storages<'_>) -> Result<BTreeMap<String, Tensor>> {
    let holds_tensors =
        |item: Item<'_>| item.entries().is_some_and(|mut entries| entries.any(|(_, value)| unwrap(value).is_some()));
    let state = match holds_tensors(root) {
        true => root,
        false => {
            STATES.iter().find_map(|key| root.value(key).filter(|&item| holds_tensors(item))).with_context(|| {
                format!(
                    "it holds no state of a model, neither itself nor under {}; save model.state_dict()",
                    STATES.join(", ")
                )
            })?
        }
    };
    let mut found = BTreeMap::new();
    let mut left = input::limit();
    for (name, value) in state.entries().into_iter().flatten() {
        let (Some(name), Some(call)) = (name.text(), unwrap(value)) else { continue };
        let tensor =
            view(call, storages).and_then(|view| view.tensor(&mut left)).with_context(|| format!("tensor {name}"))?;
        ensure!(found.insert(name.to_owned(), tensor).is_none(), "there are two tensors named {name}");
    }
    Ok(found)
}

/// The arguments of the call that builds a tensor, if the item is one.
fn unwrap(mut item: Item<'_>) -> Option<Item<'_>> {
    for _ in 0..MOST_CALLS {
        let (function, arguments, _) = item.call()?;
        match function.as_str() {
            "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor" => return Some(arguments),
            "torch._utils._rebuild_parameter" => item = arguments.item(0)?,
            _ => return None,
        }
    }
    None
}

/// The location of a tensor's numbers in a storage.
struct View<'a> {
    bytes: &'a [u8],
    dtype: DType,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

/// (storage, offset, shape, strides, …)
fn view<'a>(arguments: Item<'_>, storages: &'a Storages<'_>) -> Result<View<'a>> {
    let sizes = |at: usize| -> Option<Vec<usize>> {
        let items = arguments.item(at)?.items()?;
        (items.len() <= MOST_AXES).then(|| items.map(|size| usize::try_from(size.int()?).ok()).collect())?
    };
    let storage = arguments.item(0).and_then(Item::outside).context("it has no storage")?;
    let (key, dtype) = storage_type(storage).context("numbers of a type that models do not have")?;
    let bytes = storages.get(key).with_context(|| format!("its storage {key} is missing"))?;
    let offset = arguments.item(1).and_then(Item::int).and_then(|offset| usize::try_from(offset).ok());
    let (Some(offset), Some(shape), Some(strides)) = (offset, sizes(2), sizes(3)) else {
        bail!("its shape is not there, or has more than {MOST_AXES} axes");
    };
    ensure!(shape.len() == strides.len(), "shape {shape:?} and strides {strides:?}");
    Ok(View { bytes, dtype, offset, shape, strides })
}

impl View<'_> {
    /// The size of the numbers, and of the storage up to the last of them, in bytes. None on overflow.
    fn extent(&self) -> Option<(usize, usize)> {
        let width = self.dtype.size_in_bytes();
        let count = self.shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size.max(1)))?;
        let length = count.checked_mul(width)?;
        if self.shape.contains(&0) {
            return Some((0, 0));
        }
        let steps = self.shape.iter().zip(&self.strides);
        let last = steps.map(|(size, stride)| (size - 1).checked_mul(*stride));
        let last = last.chain([Some(self.offset), Some(1)]).try_fold(0usize, |sum, step| sum.checked_add(step?))?;
        Some((length, last.checked_mul(width)?))
    }

    /// The tensor. `left` is the number of bytes that the file's tensors may still use.
    fn tensor(&self, left: &mut u64) -> Result<Tensor> {
        let (shape, stored) = (&self.shape, self.bytes.len());
        let (length, reach) = self.extent().with_context(|| format!("shape {shape:?} overflows"))?;
        ensure!(
            reach <= stored,
            "shape {shape:?} reaches past the {stored} bytes of its storage; the file is cut short"
        );
        ensure!(
            length <= stored,
            "shape {shape:?} is {length} bytes from a storage of {stored}; save it by .contiguous(), not as a view"
        );
        let limit = input::limit();
        *left = left.checked_sub(length as u64).with_context(|| {
            format!("the file's tensors take more than {}; --read-limit raises it", input::size(limit))
        })?;
        let numbers = if self.is_contiguous() {
            let begin = if length == 0 { 0 } else { self.offset * self.dtype.size_in_bytes() };
            Cow::Borrowed(&self.bytes[begin..begin + length])
        } else {
            Cow::Owned(self.gather(length))
        };
        Ok(Tensor::from_raw_buffer(&numbers, self.dtype, shape, &Device::Cpu)?)
    }

    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        let mut axes = self.shape.iter().zip(&self.strides).rev();
        self.shape.contains(&0)
            || axes.all(|(&size, &stride)| {
                let fits = size == 1 || stride == expected;
                expected *= size;
                fits
            })
    }

    /// The numbers in the order of their indices.
    fn gather(&self, length: usize) -> Vec<u8> {
        let width = self.dtype.size_in_bytes();
        let mut numbers = Vec::with_capacity(length);
        let mut index = vec![0; self.shape.len()];
        while numbers.len() < length {
            let steps = index.iter().zip(&self.strides).map(|(index, stride)| index * stride);
            let at = self.offset + steps.sum::<usize>();
            numbers.extend_from_slice(&self.bytes[at * width..][..width]);
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                if index[axis] < self.shape[axis] {
                    break;
                }
                index[axis] = 0;
            }
        }
        numbers
    }
}
