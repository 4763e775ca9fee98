//! Smooth random functions for the shapes of hills and clouds.

/// Smooth noise in [−1, 1] with features of about size 1.
pub fn noise(seed: u32, x: f32, y: f32) -> f32 {
    let (column, row) = (x.floor(), y.floor());
    let (u, v) = (smooth(x - column), smooth(y - row));
    let corner = |dx: i32, dy: i32| lattice(seed, column as i32 + dx, row as i32 + dy);
    let top = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * u;
    let bottom = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * u;
    top + (bottom - top) * v
}

/// Three octaves of [`noise`].
pub fn cloud(seed: u32, x: f32, y: f32) -> f32 {
    let octave = |number: u32, scale: f32| noise(seed.wrapping_add(number), x * scale, y * scale) / scale;
    (octave(0, 1.0) + octave(1, 2.0) + octave(2, 4.0)) / 1.75
}

/// A skyline of height [−1, 1] over x.
pub fn ridge(seed: u32, x: f32) -> f32 {
    cloud(seed, x, 0.5)
}

fn smooth(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

fn lattice(seed: u32, x: i32, y: i32) -> f32 {
    let mut hash = seed ^ (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca77);
    hash = (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d);
    hash = (hash ^ (hash >> 12)).wrapping_mul(0x297a_2d39);
    ((hash ^ (hash >> 15)) as f32 / u32::MAX as f32) * 2.0 - 1.0
}
