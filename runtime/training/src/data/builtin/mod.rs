//! Built-in data, which need no download: values for variables of every space, in ten classes, generated from a seed.
//!
//! The content depends on the variable:
//!
//! - an image: small coloured scenes. Their kinds are the classes: hills, sea, night, house, forest, mountains, city,
//!   desert, flowers, pattern;
//! - a binary variable of at least 8x8 pixels: thresholded handwritten digits, where the digit is the class; a smaller
//!   one: answers to questions, whose probabilities depend on the class;
//! - a real vector: a table of measurements that depend on two hidden numbers and the class; a real variable in the
//!   shape of an image: a scene with noise below its grey levels, (grey level + u)/256;
//! - a family over the length, in records of different lengths: bouncing balls for one of images (or binary images),
//!   music for another binary one, swinging pendulums for all others;
//! - a vector of counts: molecules in single cells, where the class is the batch;
//! - a label: the class; for a family over the length or a map, a sequence of words.
//!
//! A `partly observed` variable other than a label is missing in a fifth of the records. All values of a record have
//! the same class, so several variables are several views of it.

mod bouncing;
mod canvas;
mod content;
mod counts;
mod digits;
pub mod named;
mod nature;
mod places;
mod sequences;
mod table;
mod texture;

use super::batch::classes_at;
use super::cells::{Cells, Column};
use super::records::Records;
use super::{Binarise, Data, Source, Split, trials};
use crate::picture::resize;
use crate::spec::{Role, Space, Variable};
use crate::terminal::note;
use anyhow::{Context, Result, ensure};
use canvas::Canvas;
use content::Content;
use digits::Digits;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;
pub use sequences::STEPS;
use table::Use;

/// Numbers of records for training, validation and testing. With images larger than 32×32 there are fewer.
const COUNTS: [usize; 3] = [8000, 1000, 1000];
const SEED: u64 = 0xb111;
/// The number of classes of the records.
const CLASSES: usize = 10;
/// The fraction of records that lack a partly observed variable other than a label.
const LACKING: f32 = 0.2;
/// The offset between the scenes of one variable and those of the next: a multiple of the number of kinds.
const NEXT: usize = 10_000_000;

/// A kind of scene: draws on the canvas with the randomness of this image.
type Scene = fn(&mut Canvas, &mut Chance);

const SCENES: [Scene; CLASSES] = [
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

/// The data set for these variables. The records are always the same.
///
/// # Errors
/// An unsupported variable.
pub fn load(variables: &[Variable]) -> Result<Data> {
    let pixels = variables.iter().map(pixels).max().unwrap_or(0);
    let scale = (32.0 * 32.0 / pixels.max(1) as f64).clamp(0.02, 1.0);
    let digits = variables.iter().any(shows_digits).then(Digits::read).transpose()?;
    let mut counts = COUNTS.map(|count| ((count as f64 * scale) as usize).max(64));
    if let Some(digits) = &digits {
        // Each digit occurs once.
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

/// Pixels of a record: of an image, or of all frames of a film.
fn pixels(variable: &Variable) -> usize {
    let steps = variable.shape.first().copied().unwrap_or(0);
    let film = bouncing::frame(variable).map(|[_, height, width]| steps * height * width);
    film.or_else(|| variable.picture().map(|[_, height, width]| height * width)).unwrap_or(0)
}

/// Refuses options that do not apply to these data, which have their own fields, scale and parts.
///
/// # Errors
/// The first such option.
pub fn check_options(source: &Source, split: Option<Split>) -> Result<()> {
    ensure!(source.bind.is_empty(), "--bind: the built-in data fill every variable by its space");
    ensure!(!source.standardize, "--standardize: the built-in data have their scale; it is for data of your own");
    ensure!(source.group.is_none(), "--group: the built-in data have no columns and their own parts");
    ensure!(source.indices.is_none(), "--indices: the built-in data have their own parts");
    ensure!(source.binarise == Binarise::Threshold, "--binarise: the built-in data have no grey levels to draw from");
    if let Some(split) = split.filter(|split| *split != Split::Standard) {
        note(&format!("--split {split} has no effect: the built-in data have their own parts"));
    }
    Ok(())
}

/// Whether a binary variable is large enough for a digit.
fn shows_digits(variable: &Variable) -> bool {
    let [_, height, width] = shape_of(variable);
    variable.space == Space::Binary && !variable.steps && height >= 8 && width >= 8
}

/// Its shape as an image. A vector is a square if its size is a square number.
fn shape_of(variable: &Variable) -> [usize; 3] {
    let size: usize = variable.shape.iter().product();
    let side = (size as f64).sqrt().round() as usize;
    variable.picture().unwrap_or(if side * side == size { [1, side, side] } else { [1, 1, size] })
}

/// The content of each variable, in words: `x by digits, y by their classes`.
pub fn describe(variables: &[Variable]) -> String {
    let filled = variables.iter().filter(|variable| !variable.is_length);
    let one = |variable: &Variable| format!("{} from {}", variable.name, Content::of(variable).words());
    filled.map(one).collect::<Vec<_>>().join(", ")
}

/// The requested records: their numbers and their source.
struct Wanted<'a> {
    start: usize,
    count: usize,
    digits: Option<&'a Digits>,
}

impl Wanted<'_> {
    fn class(&self, index: usize) -> usize {
        self.digits.map_or_else(|| kind(index), |digits| digits.class(index))
    }

    /// The image of a record. Without digits the class follows from the index, and every scene is different.
    fn scene(&self, index: usize, view: usize) -> usize {
        view * NEXT + self.digits.map_or(index, |_| CLASSES * index + self.class(index))
    }

    /// The rows of the records, concatenated.
    fn rows<T: Send + Clone>(&self, row: impl Fn(usize) -> Result<Vec<T>> + Sync) -> Result<Vec<T>> {
        let rows: Vec<Vec<T>> =
            (self.start..self.start + self.count).into_par_iter().map(&row).collect::<Result<_>>()?;
        Ok(rows.concat())
    }

    /// The values of a variable. `view` distinguishes variables of the same kind, `steps` is the length of the longest
    /// sequence.
    fn cells(&self, variable: &Variable, view: usize, steps: usize) -> Result<Cells> {
        let (shape, size) = (shape_of(variable), variable.shape.iter().product::<usize>());
        let class = |index: usize| self.class(index);
        match Content::of(variable) {
            Content::Scenes => {
                let shape = variable.picture().with_context(|| no_values(variable))?;
                let bytes = self.rows(|index| Ok(picture(shape, self.scene(index, view))))?;
                Ok(Cells::Pictures { shape, bytes })
            }
            Content::Digits => {
                let digits = self.digits.context("the digits are not read")?;
                let bytes = self.rows(|index| Ok(digits.picture(index, view, shape)))?;
                Ok(Cells::Pictures { shape, bytes })
            }
            Content::Answers => {
                let bytes = self.rows(|index| Ok(table::answers(shape, index, view, class(index))))?;
                Ok(Cells::Pictures { shape, bytes })
            }
            Content::Films => {
                let frame = bouncing::frame(variable).with_context(|| no_values(variable))?;
                let bytes = self.rows(|index| Ok(bouncing::film(steps, frame, index, view, class(index))))?;
                let [channels, height, width] = frame;
                Ok(Cells::Pictures { shape: [steps * channels, height, width], bytes })
            }
            Content::Music => {
                let each = size / steps.max(1);
                let notes = self.rows(|index| Ok(sequences::music(steps, each, index, view, class(index))))?;
                let bytes = notes.into_iter().map(|note| 255 * note).collect();
                Ok(Cells::Pictures { shape: [1, 1, size], bytes })
            }
            Content::Classes => {
                let classes = variable.shape[0];
                Ok(Cells::Classes(self.rows(|index| Ok(vec![class(index) % classes.max(1)]))?))
            }
            Content::Words => {
                let (classes, places) = classes_at(variable).with_context(|| no_values(variable))?;
                let codes = self.rows(|index| Ok(sequences::words(places, classes, index, view, class(index))))?;
                Ok(Cells::Codes { places, codes })
            }
            content => {
                let numbers = self.rows(|index| self.reals(content, variable, (index, view), steps))?;
                Ok(Cells::Reals { shape: variable.shape.clone(), numbers })
            }
        }
    }

    /// The numbers that a record has of a variable of real numbers or counts.
    fn reals(
        &self,
        content: Content,
        variable: &Variable,
        (index, view): (usize, usize),
        steps: usize,
    ) -> Result<Vec<f32>> {
        let (size, class) = (variable.shape.iter().product::<usize>(), self.class(index));
        let mapped = |numbers| table::of_space(variable, numbers).with_context(|| no_values(variable));
        match content {
            Content::ScenesBetweenLevels => {
                let scene = picture(shape_of(variable), self.scene(index, view));
                Ok(table::between_levels(&scene, index, view))
            }
            Content::Pendulums => {
                let numbers = sequences::pendulum(steps, size / steps.max(1), index, view, class);
                if variable.space == Space::Real { Ok(numbers) } else { mapped(numbers) }
            }
            Content::Measurements => Ok(table::measurements(size, index, view, class)),
            Content::Cells => Ok(counts::cell(size, index, view, class)),
            Content::Lengths => Ok(vec![sequences::length(steps, index) as f32]),
            _ => mapped(table::measurements(size, index, view, class)),
        }
    }
}

fn no_values(variable: &Variable) -> String {
    format!("variable `{}` of shape {:?}", variable.name, variable.shape)
}

/// Built-in scenes `[3, size, size]` by their numbers, concatenated. Those of the built-in set are the first 10,000.
pub fn scenes(numbers: std::ops::Range<usize>, size: usize) -> Vec<u8> {
    numbers.into_par_iter().map(|index| picture([3, size, size], index)).collect::<Vec<_>>().concat()
}

fn make(variables: &[Variable], start: usize, count: usize, digits: Option<&Digits>) -> Result<Records> {
    let wanted = Wanted { start, count, digits };
    let steps = variables.iter().filter(|variable| variable.steps).map(|variable| variable.shape[0]).max();
    let mut columns = Vec::new();
    for (view, variable) in variables.iter().enumerate() {
        // A label does not count as a view.
        let view = variables[..view].iter().filter(|other| other.space == variable.space).count();
        let cells = wanted.cells(variable, view, steps.unwrap_or(1))?;
        columns.push(Column { name: variable.name.clone(), cells });
    }
    trials::limit(&mut columns, variables);
    let mut records = Records::of(columns)?.numbered((start..start + count).collect());
    let lacking = |variable: &&Variable| variable.role == Role::Partly && variable.space != Space::Label;
    for (view, variable) in variables.iter().filter(lacking).enumerate() {
        let has = |index: usize| table::random(Use::Gap, index, view).random::<f32>() >= LACKING;
        records.set_present(&variable.name, (start..start + count).map(has).collect());
    }
    Ok(records)
}

/// The kind of scene `index`. All kinds are equally frequent.
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

/// The randomness of one image.
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
