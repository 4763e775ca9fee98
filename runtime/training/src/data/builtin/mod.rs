//! The data that need no download: for every variable values of its space, of ten classes, made from a seed.
//!
//! - an image: small coloured scenes. Their kinds are the classes: hills, sea, night, house, forest, mountains, city, desert,
//!   flowers, pattern;
//! - a binary variable of 8x8 pixels and more: handwritten digits, thresholded, of the class's digit; a smaller one: answers to
//!   questions that the classes answer differently;
//! - a real vector: a table of measurements that hang on two hidden numbers and the class; a real variable in the shape of a
//!   picture: a scene with noise below its grey levels (grey level + u)/256;
//! - a label: the class.
//!
//! The values of one record are of one class, so several variables are several views of it.

mod canvas;
mod digits;
mod nature;
mod places;
mod table;
mod texture;

use super::records::{Cells, Column, Records};
use super::{Data, resize};
use crate::spec::{Space, Variable};
use anyhow::{Context, Result, bail};
use canvas::Canvas;
use digits::Digits;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

/// Records for training, validation and testing; with pictures larger than 32×32 they are fewer.
const COUNTS: [usize; 3] = [8000, 1000, 1000];
const SEED: u64 = 0xb111;
/// Between the scenes of one variable and those of the next: a multiple of the number of kinds.
const NEXT: usize = 10_000_000;

/// What a kind of scene is drawn with: the canvas and the randomness of this one picture.
type Scene = fn(&mut Canvas, &mut Chance);

const SCENES: [Scene; 10] = [
    nature::hills,
    nature::sea,
    nature::night,
    places::house,
    nature::forest,
    nature::mountains,
    places::city,
    nature::desert,
    places::flowers,
    places::pattern,
];

/// The data set for these variables; always the same records.
///
/// # Errors
/// A variable that it has no values for.
pub fn load(variables: &[Variable]) -> Result<Data> {
    let pixels = variables.iter().filter_map(Variable::picture).map(|[_, h, w]| h * w).max().unwrap_or(0);
    let scale = (32.0 * 32.0 / pixels.max(1) as f64).clamp(0.02, 1.0);
    let digits = variables.iter().any(shows_digits).then(Digits::read).transpose()?;
    let mut counts = COUNTS.map(|count| ((count as f64 * scale) as usize).max(64));
    if let Some(digits) = &digits {
        // Of each digit there is one.
        let tenth = (digits.len() / 10).min(counts[2]);
        counts = [(digits.len() - 2 * tenth).min(counts[0]), tenth, tenth];
    }
    let mut start = 0;
    let mut part = |count: usize| {
        let records = make(variables, start, count, digits.as_ref());
        start += count;
        records
    };
    let (train, validation, test) = (part(counts[0])?, part(counts[1])?, part(counts[2])?);
    Ok(Data { name: "builtin".into(), train, validation, test, kept: None })
}

/// Binary variables with room for a digit.
fn shows_digits(variable: &Variable) -> bool {
    let [_, height, width] = shape_of(variable);
    variable.space == Space::Binary && height >= 8 && width >= 8
}

/// As a picture: a vector of a square number of values is a square.
fn shape_of(variable: &Variable) -> [usize; 3] {
    let size: usize = variable.shape.iter().product();
    let side = (size as f64).sqrt().round() as usize;
    variable.picture().unwrap_or(if side * side == size { [1, side, side] } else { [1, 1, size] })
}

fn make(variables: &[Variable], start: usize, count: usize, digits: Option<&Digits>) -> Result<Records> {
    let class = |index: usize| digits.map_or_else(|| kind(index), |digits| digits.class(index));
    // Without digits the class follows from the index, and every scene is another.
    let scene = |index: usize, view: usize| view * NEXT + digits.map_or(index, |_| SCENES.len() * index + class(index));
    let mut columns = Vec::new();
    for (view, variable) in variables.iter().enumerate() {
        // A label is no view of its own.
        let view = variables[..view].iter().filter(|other| other.space == variable.space).count();
        let all = (start..start + count).into_par_iter();
        if variable.is_length {
            let others = variables.iter().filter(|other| !other.is_length);
            let steps = others.filter_map(|other| other.shape.first()).max().copied().unwrap_or(1);
            let cells = Cells::Reals { shape: vec![1], numbers: vec![steps as f32; count] };
            columns.push(Column { name: variable.name.clone(), cells });
            continue;
        }
        let cells = match (variable.space, variable.picture()) {
            (Space::Image, Some(shape)) => {
                let pictures: Vec<Vec<u8>> = all.map(|index| picture(shape, scene(index, view))).collect();
                Cells::Pictures { shape, bytes: pictures.concat() }
            }
            (Space::Binary, _) => {
                let shape = shape_of(variable);
                let rows: Vec<Vec<u8>> = match digits.filter(|_| shows_digits(variable)) {
                    Some(digits) => all.map(|index| digits.picture(index, view, shape)).collect(),
                    None => all.map(|index| table::answers(shape, index, view, class(index))).collect(),
                };
                Cells::Pictures { shape, bytes: rows.concat() }
            }
            (Space::Real, Some(shape)) => {
                let rows: Vec<Vec<f32>> =
                    all.map(|index| table::between_levels(&picture(shape, scene(index, view)), index, view)).collect();
                Cells::Reals { shape: shape.to_vec(), numbers: rows.concat() }
            }
            (Space::Real, None) => {
                let size = variable.shape.iter().product();
                let rows: Vec<Vec<f32>> =
                    all.map(|index| table::measurements(size, index, view, class(index))).collect();
                Cells::Reals { shape: variable.shape.clone(), numbers: rows.concat() }
            }
            (Space::Label, _) => {
                let &[classes] = variable.shape.as_slice() else {
                    bail!(
                        "variable `{}` is a label of shape {:?}; data fills labels of shape [classes]",
                        variable.name,
                        variable.shape
                    )
                };
                Cells::Classes((start..start + count).map(|index| class(index) % classes.max(1)).collect())
            }
            (space, _) => {
                let size = variable.shape.iter().product();
                let rows: Vec<Vec<f32>> = all
                    .map(|index| table::of_space(space, table::measurements(size, index, view, class(index))))
                    .collect::<Result<_>>()
                    .with_context(|| format!("variable `{}` of shape {:?}", variable.name, variable.shape))?;
                Cells::Reals { shape: variable.shape.clone(), numbers: rows.concat() }
            }
        };
        columns.push(Column { name: variable.name.clone(), cells });
    }
    Ok(Records::of(columns)?.numbered((start..start + count).collect()))
}

/// The kind of picture `index`: every kind as often as any other.
fn kind(index: usize) -> usize {
    index % SCENES.len()
}

fn picture(shape: [usize; 3], index: usize) -> Vec<u8> {
    let [channels, height, width] = shape;
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    rng.set_stream(index as u64);
    let mut chance = Chance(rng);
    let mut canvas = Canvas::new(height, width);
    SCENES[kind(index)](&mut canvas, &mut chance);
    canvas.finish(&mut chance);
    resize::fit(&canvas.bytes(), [3, height, width], [channels, height, width])
}

/// The randomness of one picture.
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// Uniform on [low, high).
    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.0.random::<f32>()
    }

    /// One of the numbers low, …, high.
    fn count(&mut self, low: u32, high: u32) -> u32 {
        self.0.random_range(low..=high)
    }

    fn yes(&mut self, probability: f32) -> bool {
        self.0.random::<f32>() < probability
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.0.random_range(0..choices.len() as u32) as usize]
    }

    fn seed(&mut self) -> u32 {
        self.0.random()
    }
}
