//! Values that are a function of a name, by the same rule as in `tests/fixtures/make.py`.

use anyhow::Result;
use srvae::candle_core::{Device, Tensor};

/// A parameter or an input of a fixture.
pub fn tensor(name: &str, shape: &[u32]) -> Result<Tensor> {
    let shape: Vec<usize> = shape.iter().map(|size| *size as usize).collect();
    let value: fn(f32) -> f32 = match name {
        _ if name.ends_with("weight_g") => |u| 0.75 + 0.25 * u,
        _ if name.ends_with("bias") => |u| 0.125 * u,
        _ => |u| u,
    };
    let values: Vec<f32> = uniform(name).map(value).take(shape.iter().product()).collect();
    Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
}

/// Values in [-1, 1): SplitMix64 from the FNV-1a hash of the name, the upper 20 bits of each.
fn uniform(name: &str) -> impl Iterator<Item = f32> {
    let hash = |h: u64, byte: u8| (h ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325, hash);
    (1u64..).map(move |at| {
        let mut z = seed.wrapping_add(at.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 44) as f32 / (1 << 19) as f32 - 1.0
    })
}
