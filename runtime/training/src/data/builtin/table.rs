//! Values other than images.

use super::SEED;
use crate::spec::{Space, Variable};
use anyhow::{Result, bail};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};

/// The purpose of random numbers.
#[derive(Debug, Clone, Copy)]
pub enum Use {
    /// The same for all records.
    Rule = 1,
    Record = 2,
    /// Common to all views of a record.
    Hidden = 3,
    /// Of a sequence, whatever it shows.
    Length = 4,
    /// Whether a value is missing in a record.
    Gap = 5,
}

pub fn random(purpose: Use, number: usize, view: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED ^ (purpose as u64) << 32 ^ (view as u64) << 40);
    rng.set_stream(number as u64);
    rng
}

pub fn normal(rng: &mut ChaCha8Rng) -> f32 {
    StandardNormal.sample(rng)
}

/// A row of a table: two hidden numbers, transformed by a sine, an offset for the class, and noise. Each column has a
/// mean of about 0 and a standard deviation of about 1.
pub fn measurements(size: usize, index: usize, view: usize, class: usize) -> Vec<f32> {
    let mut hidden = random(Use::Hidden, index, 0);
    let (a, b) = (normal(&mut hidden), normal(&mut hidden));
    let mut noise = random(Use::Record, index, view);
    let column = |column: usize| {
        let mut rule = random(Use::Rule, column, view);
        let (first, second, bend, offset) =
            (normal(&mut rule), normal(&mut rule), normal(&mut rule), normal(&mut rule));
        let of_class = (offset + class as f32).sin();
        0.5 * first * a + 0.5 * second * b + 0.4 * bend * (2.0 * a).sin() + of_class + 0.2 * normal(&mut noise)
    };
    (0..size).map(column).collect()
}

/// Measurements mapped to another space: counts of about 3 with a long tail, positive numbers around 1, numbers between
/// 0 and 1, proportions, directions.
///
/// # Errors
/// Another space.
pub fn of_space(variable: &Variable, numbers: Vec<f32>) -> Result<Vec<f32>> {
    let each = |function: fn(f32) -> f32| Ok(numbers.iter().copied().map(function).collect());
    match variable.space {
        Space::Count => each(|number| (3.0 * number.exp()).floor()),
        Space::Positive => each(f32::exp),
        Space::Unit => each(|number| 1.0 / (1.0 + (-number).exp())),
        Space::Simplex => {
            Ok(numbers.chunks(variable.row()).flat_map(|value| proportions(value, variable.one())).collect())
        }
        Space::Sphere => Ok(numbers.chunks(variable.row()).flat_map(direction).collect()),
        _ => bail!("the built-in data have no values of space {:?}", variable.space),
    }
}

/// The softmax along the first axis of a shape, at each position.
fn proportions(numbers: &[f32], shape: &[usize]) -> Vec<f32> {
    let positions = shape.iter().skip(1).product::<usize>().max(1);
    let total =
        |at: usize| numbers.iter().skip(at % positions).step_by(positions).map(|number| number.exp()).sum::<f32>();
    numbers.iter().enumerate().map(|(at, number)| number.exp() / total(at)).collect()
}

/// A vector divided by its length.
fn direction(numbers: &[f32]) -> Vec<f32> {
    let length = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
    numbers.iter().map(|number| number / length).collect()
}

/// Answers yes (255) and no (0): each class has one usual answer to each question, given nine times out of ten.
pub fn answers(shape: [usize; 3], index: usize, view: usize, class: usize) -> Vec<u8> {
    let mut chance = random(Use::Record, index, view + 1000);
    let answer = |question: usize| {
        let usual = random(Use::Rule, question, view + 1000 + 16 * class).random::<bool>();
        let other = chance.random::<f32>() < 0.1;
        if usual != other { 255 } else { 0 }
    };
    (0..shape.iter().product()).map(answer).collect()
}

/// Real numbers in the cells of grey levels: (level + u)/256, where u is uniform from 0 to 1.
pub fn between_levels(levels: &[u8], index: usize, view: usize) -> Vec<f32> {
    let mut chance = random(Use::Record, index, view + 2000);
    levels.iter().map(|&level| (f32::from(level) + chance.random::<f32>()) / 256.0).collect()
}
