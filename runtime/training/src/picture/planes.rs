//! An image as numbers in [0, 1], channel by channel.

use anyhow::{Result, ensure};
use image::{Rgb, RgbImage};

/// An image of any size.
#[derive(Debug, Clone, PartialEq)]
pub struct Planes {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub values: Vec<f32>,
}

impl Planes {
    pub fn zeros(channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width, values: vec![0.0; channels * height * width] }
    }

    /// An image with three channels, or its luma for one channel.
    pub fn of(picture: &RgbImage, channels: usize) -> Self {
        let (height, width) = (picture.height() as usize, picture.width() as usize);
        let bytes = super::resize::fit_rgb(picture, [channels, height, width]);
        Self { channels, height, width, values: bytes.into_iter().map(|byte| f32::from(byte) / 255.0).collect() }
    }

    pub fn at(&self, channel: usize, y: usize, x: usize) -> f32 {
        self.values[(channel * self.height + y) * self.width + x]
    }

    /// One channel is shown as grey; of several, the first three are shown.
    pub fn image(&self) -> RgbImage {
        let byte = |channel: usize, y: u32, x: u32| {
            let channel = if self.channels >= 3 { channel } else { 0 };
            (self.at(channel, y as usize, x as usize) * 255.0).round().clamp(0.0, 255.0) as u8
        };
        RgbImage::from_fn(self.width as u32, self.height as u32, |x, y| Rgb([0, 1, 2].map(|c| byte(c, y, x))))
    }

    /// Peak signal-to-noise ratio against an image of the same shape, in decibels: 10 lg (1 / mean square error).
    ///
    /// # Errors
    /// Another shape.
    pub fn psnr(&self, other: &Self) -> Result<f64> {
        let shape = |planes: &Self| [planes.channels, planes.height, planes.width];
        ensure!(shape(self) == shape(other), "images of shape {:?} and {:?} differ", shape(self), shape(other));
        let square = |(a, b): (&f32, &f32)| f64::from(a - b).powi(2);
        let mean = self.values.iter().zip(&other.values).map(square).sum::<f64>() / self.values.len() as f64;
        Ok(-10.0 * mean.max(1e-12).log10())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_the_ratio_is_the_textbooks() {
        let picture = RgbImage::from_fn(5, 3, |x, y| Rgb([x as u8 * 50, y as u8 * 80, 7]));
        let planes = Planes::of(&picture, 3);
        assert_eq!(planes.image(), picture);
        assert_eq!(Planes::of(&picture, 1).channels, 1);
        let mut off = planes.clone();
        off.values.iter_mut().for_each(|value| *value += 0.1);
        // Values in f32 differ by 0.1 up to 6e-8, 5e-6 decibels.
        assert!((planes.psnr(&off).unwrap() - 20.0).abs() < 1e-4);
        assert!(planes.psnr(&Planes::zeros(1, 3, 5)).is_err());
    }
}
