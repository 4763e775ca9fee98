//! Parameters away from their initial values, at which much has no effect.

use super::{Noise, Params};

/// Adds normal numbers of deviation `by` to every parameter. Without a seed they follow from the parameter's name alone, so
/// they are the same for every model that has a parameter of this name.
pub fn moved(params: &Params, by: f64, seed: Option<u64>) {
    for (name, var) in params.entries() {
        let of_name = || name.bytes().fold(7u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let mut noise = Noise::seeded(seed.unwrap_or_else(of_name));
        let step = noise.normal(&name, var.dims(), params.dtype(), params.device()).unwrap();
        var.set(&(var.as_tensor() + (step * by).unwrap()).unwrap()).unwrap();
    }
    params.touch();
}
