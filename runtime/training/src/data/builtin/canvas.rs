//! A canvas for anti-aliased shapes given by their distance functions.

use super::Chance;

/// Red, green, blue in [0, 1].
pub type Colour = [f32; 3];

/// Pixels and a coordinate system: y runs from 0 at the top to 1, x from 0 to the aspect ratio.
pub struct Canvas {
    height: usize,
    width: usize,
    pixels: Vec<Colour>,
}

impl Canvas {
    pub fn new(height: usize, width: usize) -> Self {
        Self { height, width, pixels: vec![[0.0; 3]; height * width] }
    }

    /// The largest x.
    pub fn right(&self) -> f32 {
        self.width as f32 / self.height as f32
    }

    /// Sets every pixel.
    pub fn paint(&mut self, colour: impl Fn(f32, f32) -> Colour) {
        self.fill(|_, _| -1.0, colour, 1.0);
    }

    /// Fills where `distance` is negative, with soft edges one pixel wide.
    pub fn fill(&mut self, distance: impl Fn(f32, f32) -> f32, colour: impl Fn(f32, f32) -> Colour, opacity: f32) {
        let scale = self.height as f32;
        for (at, pixel) in self.pixels.iter_mut().enumerate() {
            let (x, y) = ((at % self.width) as f32 + 0.5, (at / self.width) as f32 + 0.5);
            let (x, y) = (x / scale, y / scale);
            let cover = (0.5 - distance(x, y) * scale).clamp(0.0, 1.0) * opacity;
            if cover > 0.0 {
                *pixel = mix(*pixel, colour(x, y), cover);
            }
        }
    }

    /// Adds light, or removes it if negative.
    pub fn light(&mut self, amount: impl Fn(f32, f32) -> f32, colour: Colour) {
        let scale = self.height as f32;
        for (at, pixel) in self.pixels.iter_mut().enumerate() {
            let (x, y) = ((at % self.width) as f32 + 0.5, (at / self.width) as f32 + 0.5);
            let amount = amount(x / scale, y / scale);
            for (channel, light) in pixel.iter_mut().zip(colour) {
                *channel += amount * light;
            }
        }
    }

    /// The effects of a camera: exposure, a colour cast, and a little grain.
    pub fn finish(&mut self, chance: &mut Chance) {
        let exposure = chance.between(0.85, 1.1);
        let cast = [0; 3].map(|_| exposure * chance.between(0.95, 1.05));
        let grain = chance.between(0.004, 0.02);
        for pixel in &mut self.pixels {
            let noise = grain * chance.between(-1.0, 1.0);
            for (channel, gain) in pixel.iter_mut().zip(cast) {
                *channel = (*channel * gain + noise + 0.5 * grain * chance.between(-1.0, 1.0)).clamp(0.0, 1.0);
            }
        }
    }

    /// Channel by channel.
    pub fn bytes(&self) -> Vec<u8> {
        (0..3).flat_map(|channel| self.pixels.iter().map(move |pixel| (pixel[channel] * 255.0).round() as u8)).collect()
    }
}

pub fn mix(from: Colour, to: Colour, part: f32) -> Colour {
    [0, 1, 2].map(|channel| from[channel] + (to[channel] - from[channel]) * part)
}

pub fn shade(colour: Colour, factor: f32) -> Colour {
    colour.map(|channel| channel * factor)
}

/// Hue in turns, saturation, value.
pub fn hsv(hue: f32, saturation: f32, value: f32) -> Colour {
    [0.0, 2.0, 1.0].map(|offset| {
        let distance = ((hue.rem_euclid(1.0) * 6.0 + offset * 2.0).rem_euclid(6.0) - 3.0).abs() - 1.0;
        value * (1.0 + saturation * (distance.clamp(0.0, 1.0) - 1.0))
    })
}

/// Signed distance to a disc.
pub fn disc(centre: (f32, f32), radius: f32) -> impl Fn(f32, f32) -> f32 {
    move |x, y| (x - centre.0).hypot(y - centre.1) - radius
}

/// Signed distance (near its edge) to an ellipse with these half axes.
pub fn ellipse(centre: (f32, f32), axes: (f32, f32)) -> impl Fn(f32, f32) -> f32 {
    move |x, y| (((x - centre.0) / axes.0).hypot((y - centre.1) / axes.1) - 1.0) * axes.0.min(axes.1)
}

/// Signed distance to the rectangle between two corners.
pub fn rectangle(left_top: (f32, f32), right_bottom: (f32, f32)) -> impl Fn(f32, f32) -> f32 {
    move |x, y| (left_top.0 - x).max(x - right_bottom.0).max((left_top.1 - y).max(y - right_bottom.1))
}

/// Signed distance to an upright triangle, given its apex, half its width, and its height.
pub fn triangle(apex: (f32, f32), half_width: f32, height: f32) -> impl Fn(f32, f32) -> f32 {
    let slope = half_width / height;
    let norm = 1.0 / (1.0 + slope * slope).sqrt();
    move |x, y| (((x - apex.0).abs() - (y - apex.1) * slope) * norm).max(y - apex.1 - height)
}

/// Signed distance to a line between two points, with this half width.
pub fn stroke(from: (f32, f32), to: (f32, f32), half_width: f32) -> impl Fn(f32, f32) -> f32 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = (dx * dx + dy * dy).max(1e-9);
    move |x, y| {
        let along = (((x - from.0) * dx + (y - from.1) * dy) / length).clamp(0.0, 1.0);
        (x - from.0 - along * dx).hypot(y - from.1 - along * dy) - half_width
    }
}
