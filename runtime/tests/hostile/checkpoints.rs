//! Safetensors files and the checkpoints in them.

use super::Choices;
use serde_json::{Map, Value, json};
use srvae::spec::{Role, Space, Variable};
use srvae::train::{Config, Header, Progress};
use srvae::{DType, Device, Setting, Tensor, tensors};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A header with up to five tensors, whose numbers may be inconsistent.
pub fn safetensors(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut header = Map::new();
    if choices.once_in(3) {
        header.insert("__metadata__".into(), json!({ "srvae.crc32": "00000000", "format": "pt" }));
    }
    let mut end = 0;
    for index in 0..choices.below(5) {
        let (dtype, width) =
            choices.pick(&[("F32", 4), ("F32", 4), ("F16", 2), ("U8", 1), ("I64", 8), ("F4", 0), ("Q9", 1)]);
        let shape: Vec<u64> = (0..choices.below(4)).map(|_| choices.size()).collect();
        let length = shape.iter().fold(width, |product: u64, &size| product.wrapping_mul(size));
        let begin = choices.about(end);
        end = choices.about(begin.wrapping_add(length.min(1 << 12)));
        header
            .insert(format!("tensor{index}"), json!({ "dtype": dtype, "shape": shape, "data_offsets": [begin, end] }));
    }
    let mut text = Value::Object(header).to_string();
    if choices.once_in(10) {
        text = "[".repeat(choices.pick(&[1, 100, 10_000]));
    }
    let mut out = choices.about(text.len() as u64).to_le_bytes().to_vec();
    out.extend_from_slice(text.as_bytes());
    let length = choices.about(end).min(1 << 13) as usize;
    out.extend(std::iter::repeat_n(7, length));
    choices.damage(out)
}

/// A header as this program writes it.
static HEADER: LazyLock<Value> = LazyLock::new(|| {
    let x = Variable::new("x", Role::Observed, Space::Real, &[3, 4, 4]);
    let header = Header {
        format: 2,
        model: "toy".into(),
        source: "model toy\n".into(),
        preset: None,
        settings: vec![("width".into(), Setting::Int(4))],
        variables: vec![x],
        config: Config { average: Some(0.9), ..Config::default() },
        data: "builtin".into(),
        progress: Progress { step: 3, order: 12, noise: (1, 2), best: Some(3.5), best_step: 2, ..Progress::default() },
    };
    serde_json::to_value(header).unwrap()
});

/// A checkpoint with a correct checksum, whose header has some values changed, removed or added.
pub fn checkpoint(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut header = HEADER.clone();
    for _ in 0..choices.below(4) {
        change(choices, &mut header, 0);
    }
    let about = BTreeMap::from([("srvae".to_owned(), header.to_string())]);
    let name = choices.pick(&["param/w", "optimiser/w.mean", "average/w", "other/w", "w", "param/\u{1b}[2J"]);
    let dtype = choices.pick(&[DType::F32, DType::F32, DType::F32, DType::U8, DType::F64, DType::I64]);
    let shape: Vec<usize> = (0..choices.below(3)).map(|_| choices.below(4)).collect();
    let tensor = Tensor::ones(shape, dtype, &Device::Cpu).unwrap();
    let bytes = tensors::write(&BTreeMap::from([(name.to_owned(), tensor)]), &about).unwrap();
    choices.damage(bytes)
}

/// Changes one nested value.
fn change(choices: &mut Choices<'_>, value: &mut Value, depth: usize) {
    let deeper = depth == 0 || (depth < 4 && !choices.once_in(3));
    match value {
        Value::Object(map) if deeper && !map.is_empty() => {
            let at = choices.below(map.len());
            let key = map.keys().nth(at).cloned().unwrap_or_default();
            match choices.below(12) {
                0 => drop(map.remove(&key)),
                _ => change(choices, &mut map[&key], depth + 1),
            }
        }
        Value::Array(items) if deeper && !items.is_empty() => {
            let at = choices.below(items.len());
            change(choices, &mut items[at], depth + 1);
        }
        _ => {
            *value = match choices.below(9) {
                0..=2 => json!(choices.size()),
                3 => json!(-1),
                4 => json!(choices.pick(&[0.5, 2.0, -0.1, 1e308, 1e-308, 0.0])),
                5 => Value::Null,
                6 => json!(choices.pick(&["", "\u{1b}[31m", "a\nb", "../../x", "lots of words"])),
                7 => json!([]),
                _ => {
                    json!([{ "name": "y", "role": "latent", "space": "image", "shape": [choices.size(), choices.size()] }])
                }
            }
        }
    }
}
