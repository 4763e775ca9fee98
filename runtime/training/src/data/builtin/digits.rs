//! Handwritten digits of 8x8 pixels. `digits_data/README.md` states their source.

use crate::data::Order;
use crate::picture::resize;
use anyhow::{Context, Result, ensure};
use std::io::Read;

const FILE: &[u8] = include_bytes!("digits_data/digits.csv.gz");
const SIDE: usize = 8;
/// The largest grey level in the file.
const LEVELS: usize = 16;
/// The seed of the digits' order.
const SEED: u64 = 0xd161;

/// All digits, shuffled.
pub struct Digits {
    pictures: Vec<[u8; SIDE * SIDE]>,
    classes: Vec<usize>,
}

impl Digits {
    /// # Errors
    /// A file that is damaged.
    pub fn read() -> Result<Self> {
        let mut text = String::new();
        flate2::read::GzDecoder::new(FILE).read_to_string(&mut text)?;
        let mut digits = Vec::new();
        for line in text.lines() {
            let numbers =
                line.split(',').map(|number| Ok(number.parse::<f64>()? as usize)).collect::<Result<Vec<_>>>()?;
            let (class, levels) = numbers.split_last().context("a line without numbers")?;
            let mut picture = [0; SIDE * SIDE];
            ensure!(levels.len() == picture.len() && *class < 10, "a line of {} numbers", numbers.len());
            picture.iter_mut().zip(levels).for_each(|(pixel, level)| *pixel = (level * 255 / LEVELS).min(255) as u8);
            digits.push((picture, *class));
        }
        let (pictures, classes) = Order::permutation(digits.len(), SEED, 0).into_iter().map(|at| digits[at]).unzip();
        Ok(Self { pictures, classes })
    }

    pub fn len(&self) -> usize {
        self.pictures.len()
    }

    pub fn class(&self, index: usize) -> usize {
        self.classes[index % self.len()]
    }

    /// The grey levels of a digit, row by row.
    pub fn grey(&self, index: usize) -> &[u8; SIDE * SIDE] {
        &self.pictures[index % self.len()]
    }

    /// The digit of a record, white on black, at a shape [channels, height, width], as 0 and 255. Another `view` is
    /// another person's writing of the same digit.
    pub fn picture(&self, index: usize, view: usize, shape: [usize; 3]) -> Vec<u8> {
        let index = index % self.len();
        let same = |at: &usize| self.classes[*at % self.len()] == self.classes[index];
        let at = (index..).filter(same).nth(view).unwrap_or(index) % self.len();
        let grey = resize::fit(&self.pictures[at], [1, SIDE, SIDE], shape);
        grey.into_iter().map(|level| if level >= 128 { 255 } else { 0 }).collect()
    }
}
