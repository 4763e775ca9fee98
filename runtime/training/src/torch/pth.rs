//! PyTorch's `.pth` files: archives since version 1.6, before that pickles with the numbers behind them.

use crate::pickle::{Item, Pickle};
use crate::{DType, Device, Tensor};
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};

/// How the older form begins: a pickle of this number, little-endian.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// Keys under which training scripts keep a model's state beside other things.
const STATES: [&str; 4] = ["model_state_dict", "state_dict", "model", "net"];

/// The tensors of a model's state, by PyTorch's names.
///
/// # Errors
/// A file in neither form, damaged or cut short, or without a state.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>> {
    if bytes.starts_with(b"PK") { archive(bytes) } else { pickles(bytes) }
}

/// Bytes of the storages, by their keys.
type Storages<'a> = BTreeMap<String, std::borrow::Cow<'a, [u8]>>;

fn archive(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>> {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).context("the archive is damaged or cut short")?;
    let mut program = None;
    let mut storages = Storages::new();
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).context("the archive is damaged")?;
        let name = file.name().context("the archive is damaged")?.into_owned();
        let (folder, key) = name.rsplit_once('/').unwrap_or(("", &name));
        let (is_program, is_data) = (key == "data.pkl", folder.ends_with("/data") || folder == "data");
        if is_program || is_data {
            let mut content = Vec::new();
            file.read_to_end(&mut content).with_context(|| format!("{name}: damaged"))?;
            if is_program {
                program = Some(content);
            } else {
                storages.insert(key.to_owned(), content.into());
            }
        }
    }
    let program = program.context("an archive without data.pkl is no PyTorch file")?;
    let (pickle, _) = Pickle::read(&program)?;
    tensors(pickle.root(), &storages)
}

fn pickles(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>> {
    let mut at = 0;
    let mut next = |what: &str| -> Result<Pickle<'_>> {
        let (pickle, length) = Pickle::read(&bytes[at..]).with_context(|| format!("no {what} in it"))?;
        at += length;
        Ok(pickle)
    };
    let magic = next("PyTorch checkpoint")?;
    ensure!(magic.root().bytes() == Some(&MAGIC), "this is no PyTorch checkpoint");
    next("version")?;
    next("system")?;
    let (state, keys) = (next("state")?, next("list of storages")?);
    // Which numbers are how wide, only the state says.
    let mut widths = BTreeMap::new();
    find_widths(state.root(), 0, &mut widths);
    let mut storages = Storages::new();
    for key in keys.root().items().context("no list of storages in it")? {
        let key = key.text().context("a storage without a name")?;
        let count = bytes.get(at..at + 8).context("the file is cut short")?;
        let count = u64::from_le_bytes(count.try_into()?);
        let width = *widths.get(key).with_context(|| format!("storage {key} belongs to no tensor"))?;
        let length = usize::try_from(count)?.checked_mul(width).context("a storage without end")?;
        at += 8;
        let content = at.checked_add(length).and_then(|end| bytes.get(at..end)).with_context(|| {
            format!("storage {key} has {length} bytes and {} are left; the file is cut short", bytes.len() - at)
        })?;
        storages.insert(key.to_owned(), content.into());
        at += length;
    }
    tensors(state.root(), &storages)
}

/// How deep a state may lie in what was saved.
const DEPTH: usize = 8;

/// Bytes a number of each storage.
fn find_widths(item: Item<'_>, depth: usize, widths: &mut BTreeMap<String, usize>) {
    if depth > DEPTH {
        return;
    }
    if let Some((_, arguments, _)) = item.call() {
        find_widths(arguments, depth + 1, widths);
    }
    if let Some(storage) = item.outside()
        && let Some((key, dtype)) = storage_type(storage)
    {
        widths.insert(key.to_owned(), dtype.size_in_bytes());
    }
    item.items().into_iter().flatten().for_each(|member| find_widths(member, depth + 1, widths));
    item.entries().into_iter().flatten().for_each(|(_, value)| find_widths(value, depth + 1, widths));
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
        "torch.ByteStorage" | "torch.BoolStorage" | "torch.CharStorage" => DType::U8,
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
    for (name, value) in state.entries().into_iter().flatten() {
        let (Some(name), Some(call)) = (name.text(), unwrap(value)) else { continue };
        found.insert(name.to_owned(), tensor(call, storages).with_context(|| format!("tensor {name}"))?);
    }
    Ok(found)
}

/// The arguments of the call that makes a tensor, if that is what the item is.
fn unwrap(item: Item<'_>) -> Option<Item<'_>> {
    let (function, arguments, _) = item.call()?;
    match function.as_str() {
        "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor" => Some(arguments),
        "torch._utils._rebuild_parameter" => unwrap(arguments.item(0)?),
        _ => None,
    }
}

/// (storage, offset, shape, strides, …)
fn tensor(arguments: Item<'_>, storages: &Storages<'_>) -> Result<Tensor> {
    let sizes = |at: usize| -> Option<Vec<usize>> {
        arguments.item(at)?.items()?.map(|size| usize::try_from(size.int()?).ok()).collect()
    };
    let storage = arguments.item(0).and_then(Item::outside).context("it has no storage")?;
    let (key, dtype) = storage_type(storage).context("numbers of a type that models do not have")?;
    let bytes = storages.get(key).with_context(|| format!("its storage {key} is missing"))?;
    let offset = arguments.item(1).and_then(Item::int).and_then(|offset| usize::try_from(offset).ok());
    let (Some(offset), Some(shape), Some(strides)) = (offset, sizes(2), sizes(3)) else {
        bail!("its shape is not there");
    };
    ensure!(shape.len() == strides.len(), "shape {shape:?} and strides {strides:?}");
    let (width, count) = (dtype.size_in_bytes(), shape.iter().product::<usize>());
    let reach: usize =
        shape.iter().zip(&strides).map(|(size, stride)| size.saturating_sub(1).saturating_mul(*stride)).sum();
    ensure!(
        count == 0 || reach.saturating_add(offset).saturating_add(1).saturating_mul(width) <= bytes.len(),
        "shape {shape:?} reaches past the {} bytes of its storage; the file is cut short",
        bytes.len()
    );
    let mut numbers = Vec::with_capacity(count * width);
    let mut index = vec![0; shape.len()];
    for _ in 0..count {
        let at = offset + index.iter().zip(&strides).map(|(index, stride)| index * stride).sum::<usize>();
        numbers.extend_from_slice(&bytes[at * width..][..width]);
        for place in (0..shape.len()).rev() {
            index[place] += 1;
            if index[place] < shape[place] {
                break;
            }
            index[place] = 0;
        }
    }
    Ok(Tensor::from_raw_buffer(&numbers, dtype, &shape, &Device::Cpu)?)
}
