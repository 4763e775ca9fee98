// The shared beginning of every example of docs/library.md: the model and 64 records.

srvae::model!("guide/arrays.pgm");

#[allow(unused_imports)]
pub use arrays::{Arrays, C, Config, X, Z};
#[allow(unused_imports)]
pub use srvae::{BoundOptions, DType, Decode, Device, Draw, Model, Noise, Params, Result, Tensor, Values};

/// A new model and its data: x `[64, 8]` along one line per class, c `[64, 3]` one-hot.
#[allow(dead_code)]
pub fn example() -> Result<(Arrays, X, C)> {
    let params = Params::new(1, DType::F32, &Device::Cpu);
    let model = Arrays::new(&Config::default(), &params)?;
    let (mut x, mut c) = (Vec::new(), Vec::new());
    for record in 0..64 {
        let (kind, along) = (record % 3, record as f32 / 32.0 - 1.0);
        x.extend((0..8).map(|at| along * (at as f32 - 3.5) / 4.0 + kind as f32));
        c.extend((0..3).map(|class| f32::from(u8::from(class == kind))));
    }
    let x = X(Tensor::from_vec(x, (64, 8), params.device())?);
    let c = C(Tensor::from_vec(c, (64, 3), params.device())?);
    Ok((model, x, c))
}
