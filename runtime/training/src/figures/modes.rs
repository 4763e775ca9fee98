//! The modes of a model as strips of images.

use super::{Options, Strip, at_rest, shows};
use crate::arrays::{Array, Numbers};
use crate::data::{Batches, Images};
use crate::interrupt;
use crate::picture::from_batch;
use crate::progress::Display;
use crate::ranks::{self, ALONE, Communicator};
use crate::results;
use crate::spec::{Role, Spec, Variable};
use crate::{DType, Draw, Mode, Model, Noise, Tensor, Values, partly};
use anyhow::{Context, Result, bail};
use image::RgbImage;
use std::ops::Range;

/// The name of the mode that draws the steps after the given ones.
pub const CONTINUATION: &str = "continuation";
/// Examples computed at once.
const BATCH: usize = 32;

/// Runs a mode. Returns strips of its evidence, then of its results. `images` are the examples for the evidence. An
/// example's draws depend only on the seed and its number.
///
/// # Errors
/// No displayable variable, or a failed tensor operation.
pub fn strips(model: &dyn Model, spec: &Spec, mode: &Mode, images: &Images, options: &Options) -> Result<Vec<Strip>> {
    strips_on(&ALONE, model, spec, mode, images, options)
}

/// Runs a mode on several ranks, which share the examples. Rank 0 gets the strips, the others none.
///
/// # Errors
/// As [`strips`].
pub fn strips_on(
    ranks: &dyn Communicator,
    model: &dyn Model,
    spec: &Spec,
    mode: &Mode,
    images: &Images,
    options: &Options,
) -> Result<Vec<Strip>> {
    let examples = Examples::new(model, spec, mode, images, options)?;
    let display = Display::new("drawing", 0, examples.count);
    let mut sheet = Strips::default();
    at_rest(model, || {
        let work = |number: usize| Ok(draw(&examples, number)?.bytes());
        ranks::in_order(ranks, examples.batches(), work, |number, bytes| {
            display.set(examples.range(number).end, String::new());
            if ranks.leads() { sheet.append(bytes) } else { Ok(()) }
        })
    })?;
    if sheet.0.is_empty() && ranks.leads() {
        bail!("mode {} yields nothing that can be shown as an image; --out FILE.npz writes it as arrays", mode.name);
    }
    Ok(sheet.0)
}

/// The strips of a batch of examples.
fn draw(examples: &Examples<'_>, number: usize) -> Result<Strips> {
    let (batch, spec, mode) = (examples.batch(number)?, examples.spec, examples.mode);
    let mut sheet = Strips::default();
    if let Some((given, data)) = &batch.given {
        sheet.add_given(spec, mode, given, data)?;
    }
    for (at, found) in batch.draws.iter().enumerate() {
        sheet.add_found(spec, mode, found, (batch.draws.len() > 1).then_some(at + 1))?;
    }
    Ok(sheet)
}

/// Runs a mode. Returns an array for each variable that it yields, with its name, `[examples, …]`, or with several
/// draws `[examples, draws, …]`.
///
/// # Errors
/// A failed tensor operation.
pub fn arrays(model: &dyn Model, spec: &Spec, mode: &Mode, images: &Images, options: &Options) -> Result<Vec<Array>> {
    arrays_on(&ALONE, model, spec, mode, images, options)
}

/// Runs a mode on several ranks, which share the examples and all get the arrays.
///
/// # Errors
/// As [`arrays`].
pub fn arrays_on(
    ranks: &dyn Communicator,
    model: &dyn Model,
    spec: &Spec,
    mode: &Mode,
    images: &Images,
    options: &Options,
) -> Result<Vec<Array>> {
    let examples = Examples::new(model, spec, mode, images, options)?;
    let (count, draws) = (examples.count, examples.draws());
    let shape = |name: &str| spec.variable(name).map_or(&[][..], |variable| &variable.shape);
    let mut found: Vec<Vec<f32>> = vec![Vec::new(); mode.yields.len()];
    at_rest(model, || {
        let work = |number: usize| Ok(ranks::of_floats(&examples.batch(number)?.numbers(mode)?));
        ranks::in_order(ranks, examples.batches(), work, |number, bytes| {
            let numbers = ranks::floats(bytes);
            let mut rest = numbers.as_slice();
            for (name, all) in mode.yields.iter().zip(&mut found) {
                let length = examples.range(number).len() * draws * shape(name).iter().product::<usize>();
                let (own, more) =
                    rest.split_at_checked(length).context("values of another shape than the variable's")?;
                all.extend(own);
                rest = more;
            }
            Ok(())
        })
    })?;
    let several = if options.draws > 1 && !mode.given.is_empty() { vec![options.draws] } else { Vec::new() };
    for (name, values) in mode.yields.iter().zip(&mut found) {
        // Results are in the data's own units.
        images.scale_of(name).into_iter().for_each(|scale| scale.undo(values));
    }
    let array = |(name, values): (&&str, Vec<f32>)| Array {
        name: (*name).to_owned(),
        shape: [vec![count], several.clone(), shape(name).to_vec()].concat(),
        values: Numbers::F32(values),
    };
    let mut arrays: Vec<Array> = mode.yields.iter().zip(found).map(array).collect();
    add_lengths(&mut arrays, spec, mode, images, count);
    if !mode.given.is_empty() {
        arrays.extend(results::numbers(images, spec, count));
    }
    Ok(arrays)
}

/// For sequences, the lengths as an array: those of the mode's evidence, otherwise the full length, to which a continuation draws its
/// records. Values after a record's end are 0.
fn add_lengths(arrays: &mut Vec<Array>, spec: &Spec, mode: &Mode, images: &Images, count: usize) {
    let Some(length) = Variable::length(&spec.variables) else { return };
    let longest = spec.variables.iter().filter(|variable| variable.steps).map(|variable| variable.shape[0]).max();
    let is_full = mode.given.is_empty() || mode.name == CONTINUATION;
    let own = if is_full { None } else { images.lengths(&length.name) };
    let mut lengths = own.unwrap_or_else(|| vec![longest.unwrap_or(1); count]);
    lengths.truncate(count);
    results::end(arrays, spec, &lengths);
}

/// The examples for a mode, batch by batch.
struct Examples<'a> {
    model: &'a dyn Model,
    spec: &'a Spec,
    mode: &'a Mode,
    images: &'a Images,
    options: &'a Options,
    count: usize,
    /// Converts the records to tensors. None for a mode without evidence.
    data: Option<Batches>,
}

impl<'a> Examples<'a> {
    fn new(
        model: &'a dyn Model,
        spec: &'a Spec,
        mode: &'a Mode,
        images: &'a Images,
        options: &'a Options,
    ) -> Result<Self> {
        let is_given = !mode.given.is_empty();
        let count = if is_given { options.count.min(images.len()) } else { options.count };
        let data = (is_given && count > 0).then(|| Batches::available(spec, images, model.params().device()));
        Ok(Self { model, spec, mode, images, options, count, data: data.transpose()? })
    }

    fn batches(&self) -> usize {
        self.count.div_ceil(BATCH)
    }

    fn range(&self, number: usize) -> Range<usize> {
        number * BATCH..self.count.min((number + 1) * BATCH)
    }

    /// Draws for each example.
    fn draws(&self) -> usize {
        if self.mode.given.is_empty() { 1 } else { self.options.draws.max(1) }
    }

    fn batch(&self, number: usize) -> Result<Batch> {
        let Self { model, mode, options, .. } = *self;
        let examples = self.range(number);
        let size = examples.len();
        let noise = |draw: usize| Noise::of_rows(options.seed, draw..draw + 1, examples.clone());
        let mut given = None;
        if let Some(batches) = &self.data {
            let data = batches.range(self.images, examples.start, size)?;
            given = Some((complete(model, mode, &data, &mut noise(0), &options.draw)?, data));
        }
        let none = Values::new();
        let known = given.as_ref().map_or(&none, |(known, _)| known);
        let mut draws = Vec::new();
        for number in 1..=self.draws() {
            draws.push(model.run(mode.name, known, size, &mut noise(number), &options.draw)?);
            interrupt::check()?;
        }
        Ok(Batch { size, given, draws })
    }
}

/// A batch of examples.
struct Batch {
    size: usize,
    /// The mode's evidence, and the data it comes from.
    given: Option<(Values, Values)>,
    draws: Vec<Values>,
}

impl Batch {
    /// The values of each variable that the mode yields, with all draws of each example.
    fn numbers(&self, mode: &Mode) -> Result<Vec<f32>> {
        let mut numbers = Vec::new();
        for name in mode.yields {
            let rows = |values: &Values| -> Result<Vec<Vec<f32>>> {
                let value = values.get(name)?.to_dtype(DType::F32)?;
                Ok(value.reshape((value.dim(0)?, ()))?.to_vec2()?)
            };
            let draws = self.draws.iter().map(rows).collect::<Result<Vec<_>>>()?;
            (0..self.size).for_each(|example| draws.iter().for_each(|draw| numbers.extend(&draw[example])));
        }
        Ok(numbers)
    }
}

/// The strips so far.
#[derive(Default)]
struct Strips(Vec<Strip>);

impl Strips {
    fn add(&mut self, label: String, batch: &Tensor) -> Result<()> {
        self.extend(label, from_batch(batch)?);
        Ok(())
    }

    fn extend(&mut self, label: String, pictures: Vec<RgbImage>) {
        match self.0.iter_mut().find(|strip| strip.label == label) {
            Some(strip) => strip.pictures.extend(pictures),
            None => self.0.push(Strip { label, pictures }),
        }
    }

    /// The strips as bytes for another rank: lengths, sizes, label and pixels of each.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for Strip { label, pictures } in &self.0 {
            let (width, height) = pictures.first().map_or((0, 0), RgbImage::dimensions);
            for number in [label.len() as u32, pictures.len() as u32, width, height] {
                bytes.extend(number.to_le_bytes());
            }
            bytes.extend(label.as_bytes());
            pictures.iter().for_each(|picture| bytes.extend(picture.as_raw()));
        }
        bytes
    }

    /// Adds the strips of the next examples.
    fn append(&mut self, mut bytes: &[u8]) -> Result<()> {
        let cut = "strips of another rank are cut short";
        while !bytes.is_empty() {
            let (head, rest) = bytes.split_at_checked(16).context(cut)?;
            let mut numbers = head.as_chunks().0.iter().map(|&number| u32::from_le_bytes(number));
            let mut number = || numbers.next().unwrap_or(0);
            let (label, count, width, height) = (number() as usize, number() as usize, number(), number());
            let (label, rest) = rest.split_at_checked(label).context(cut)?;
            let size = 3 * width as usize * height as usize;
            let (pixels, rest) = rest.split_at_checked(count * size).context(cut)?;
            let picture = |pixels: &[u8]| RgbImage::from_raw(width, height, pixels.to_vec());
            let pictures: Option<Vec<RgbImage>> = pixels.chunks(size.max(1)).map(picture).collect();
            self.extend(String::from_utf8_lossy(label).into_owned(), pictures.context(cut)?);
            bytes = rest;
        }
        Ok(())
    }

    fn add_given(&mut self, spec: &Spec, mode: &Mode, given: &Values, data: &Values) -> Result<()> {
        for variable in mode.given.iter().filter_map(|name| spec.variable(name)).filter(|variable| shows(variable)) {
            let what = if variable.role == Role::Latent { "given" } else { "original" };
            if let Some(value) = given.find(&variable.name) {
                self.add(format!("{} {what}", variable.name), value)?;
            }
        }
        // If the evidence is a reduced image, the full one is shown for comparison.
        let held = |name: &str| !mode.given.contains(&name);
        for variable in spec.data_variables().filter(|variable| shows(variable) && held(&variable.name)) {
            if let Some(original) = data.find(&variable.name) {
                self.add(format!("{} original", variable.name), original)?;
            }
        }
        Ok(())
    }

    fn add_found(&mut self, spec: &Spec, mode: &Mode, found: &Values, number: Option<usize>) -> Result<()> {
        for variable in mode.yields.iter().filter_map(|name| spec.variable(name)).filter(|variable| shows(variable)) {
            let number = number.map_or_else(String::new, |number| format!(" {number}"));
            self.add(format!("{}{number}", variable.name), found.get(&variable.name)?)?;
        }
        Ok(())
    }
}

/// The values of a mode's evidence: from the data, otherwise inferred by q.
///
/// # Errors
/// A variable that no mode infers from data, or a failed tensor operation.
pub fn complete(model: &dyn Model, mode: &Mode, data: &Values, noise: &mut Noise, draw: &Draw) -> Result<Values> {
    let mut given = Values::new();
    for name in mode.given {
        if mode.partly.contains(name) {
            // No record has what the data have no values of.
            for name in [(*name).to_owned(), Values::presence_of(name)] {
                data.find(&name).into_iter().for_each(|own| given.insert(&name, own.clone()));
            }
            continue;
        }
        // A partly observed variable is inferred for the records that lack it.
        let lacking = data.find(&Values::presence_of(name)).filter(|present| !is_everywhere(present));
        let own = data.find(name);
        let value = match (own, lacking) {
            (Some(value), None) => value.clone(),
            _ => {
                let infers = |other: &&Mode| {
                    let is_there = |given: &&&str| *given != name && data.find(given).is_some();
                    let is_known = |given: &&str| other.partly.contains(given) || is_there(&given);
                    let all = || other.given.iter();
                    other.yields.contains(name)
                        && all().all(is_known)
                        && (all().len() == 0 || all().any(|it| is_there(&it)))
                };
                let from = model.modes().iter().find(|mode| mode.name == "reconstruction" && infers(mode));
                let from = from.or_else(|| model.modes().iter().filter(|mode| !mode.given.is_empty()).find(infers));
                // Records without any data have the distribution of the model.
                let from = from.or_else(|| model.modes().iter().filter(|_| lacking.is_some()).find(infers));
                let from = from.with_context(|| {
                    let own = mode.name;
                    format!("mode {own} is given `{name}`, which nothing infers from these data; --given {name}=VALUE sets it")
                })?;
                let found = model.run(from.name, data, data_size(data), noise, draw)?.get(name)?.clone();
                match (own, lacking) {
                    (Some(own), Some(present)) => partly::choose(present, own, &found)?,
                    _ => found,
                }
            }
        };
        given.insert(name, value);
    }
    Ok(given)
}

fn is_everywhere(present: &Tensor) -> bool {
    let least = present.flatten_all().and_then(|all| all.min(0)?.to_dtype(DType::F64)?.to_scalar::<f64>());
    least.is_ok_and(|least| least == 1.0)
}

fn data_size(data: &Values) -> usize {
    data.iter().next().and_then(|(_, value)| value.dims().first().copied()).unwrap_or(0)
}
