//! Marginal distributions of the observed variables, of data and of samples.

use super::{Strip, at_rest, complete, shows};
use crate::data::{Batches, Images, Scale};
use crate::picture::from_batch;
use crate::spec::{Space, Spec, Variable};
use crate::{DType, Decode, Draw, Mode, Model, Noise, Tensor};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The number of records and of samples.
const COUNT: usize = 512;
/// The maximum number of panels per variable.
const MOST: usize = 8;
const BINS: usize = 24;

/// One number of a variable, or its classes: relative frequencies in the data and in samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Marginal {
    pub title: String,
    /// Borders of the bins, one more than there are bins; for classes and binary values, whole numbers.
    pub edges: Vec<f64>,
    pub data: Vec<f64>,
    pub samples: Vec<f64>,
    /// Whether a bin is a class or a position, not an interval.
    pub discrete: bool,
    /// The names of the bins. Empty if they have only numbers.
    #[serde(default)]
    pub names: Vec<String>,
}

/// Marginals as charts, and of binary images the mean image (a heat map) of the data and of samples.
#[derive(Debug, Clone, Default)]
pub struct Marginals {
    pub charts: Vec<Marginal>,
    pub means: Vec<Strip>,
}

/// The marginals of every observed variable except images: a histogram for each number of a continuous variable, bars
/// for counts, for classes (`classes` are their names) and for the elements of a binary vector, heat maps for binary
/// images. None if generation does not exist.
///
/// # Errors
/// Data that do not fit the model, or a failed tensor operation.
pub fn marginals(
    model: &dyn Model,
    spec: &Spec,
    data: &Images,
    seed: u64,
    classes: &BTreeMap<String, Vec<String>>,
) -> Result<Marginals> {
    let compared =
        |variable: &&Variable| variable.is_observed() && (!shows(variable) || variable.space == Space::Binary);
    let variables: Vec<&Variable> = spec.variables.iter().filter(compared).collect();
    let mode = model.modes().iter().find(|mode| mode.name == "generation");
    let (Some(mode), false) = (mode, variables.is_empty() || data.is_empty()) else { return Ok(Marginals::default()) };
    let mut found = at_rest(model, || compare(model, spec, mode, data, &variables, seed))?;
    for chart in &mut found.charts {
        if let Some(names) = classes.get(&chart.title).filter(|names| names.len() == chart.data.len()) {
            chart.names.clone_from(names);
        }
    }
    Ok(found)
}

fn compare(
    model: &dyn Model,
    spec: &Spec,
    mode: &Mode,
    images: &Images,
    variables: &[&Variable],
    seed: u64,
) -> Result<Marginals> {
    let count = images.len().min(COUNT);
    let values = Batches::new(spec, images, model.params().device())?.range(images, 0, count)?;
    let draw = Draw { decode: Decode::Sample, ..Draw::default() };
    let mut noise = Noise::seeded(seed);
    let given = complete(model, mode, &values, &mut noise, &draw)?;
    let found = model.run(mode.name, &given, count, &mut noise, &draw)?;
    let mut all = Marginals::default();
    for variable in variables {
        let (data, samples) = (values.get(&variable.name)?, found.get(&variable.name)?);
        if shows(variable) {
            for (what, batch) in [("data", data), ("samples", samples)] {
                let label = format!("{}, mean of {what}", variable.name);
                all.means.push(Strip { label, pictures: from_batch(&batch.mean_keepdim(0)?)? });
            }
            continue;
        }
        let scale = images.scale_of(&variable.name);
        let (mut data, mut samples) = (rows(data, scale)?, rows(samples, scale)?);
        if let Some(present) = images.present(&variable.name) {
            let mut present = present.iter();
            data.retain(|_| present.next().copied().unwrap_or(true));
        }
        if variable.steps {
            let lengths = Variable::length(&spec.variables).and_then(|length| images.lengths(&length.name));
            let steps = variable.shape[0].max(1);
            data = each_step(data, steps, lengths.as_deref());
            samples = each_step(samples, steps, None);
        }
        match variable.space {
            Space::Binary | Space::Label => all.charts.push(frequencies(&variable.name, &data, &samples)),
            Space::Count => all.charts.extend(charts(&variable.name, &data, &samples, counted)),
            _ => all.charts.extend(charts(&variable.name, &data, &samples, edges)),
        }
    }
    Ok(all)
}

/// The values of each record, in the data's own units.
fn rows(batch: &Tensor, scale: Option<&Scale>) -> Result<Vec<Vec<f64>>> {
    let mut rows: Vec<Vec<f32>> = batch.to_dtype(DType::F32)?.flatten_from(1)?.to_vec2()?;
    scale.into_iter().for_each(|scale| rows.iter_mut().for_each(|row| scale.undo(row)));
    Ok(rows.into_iter().map(|row| row.into_iter().map(f64::from).collect()).collect())
}

/// The steps of all records as rows, without the padding.
fn each_step(rows: Vec<Vec<f64>>, steps: usize, lengths: Option<&[usize]>) -> Vec<Vec<f64>> {
    let of = |(record, row): (usize, Vec<f64>)| {
        let length = lengths.and_then(|lengths| lengths.get(record)).copied().unwrap_or(steps);
        let width = (row.len() / steps).max(1);
        row.chunks(width).take(length).map(<[f64]>::to_vec).collect::<Vec<_>>()
    };
    rows.into_iter().enumerate().flat_map(of).collect()
}

/// A chart for each number. `edges` computes the bins from all values.
fn charts(name: &str, data: &[Vec<f64>], samples: &[Vec<f64>], edges: fn(&[f64]) -> Vec<f64>) -> Vec<Marginal> {
    let size = data.first().map_or(0, Vec::len);
    let column = |rows: &[Vec<f64>], at: usize| -> Vec<f64> {
        rows.iter().map(|row| row[at]).filter(|value| value.is_finite()).collect()
    };
    let one = |at: usize| {
        let (data, samples) = (column(data, at), column(samples, at));
        let edges = edges(&[data.as_slice(), samples.as_slice()].concat());
        let title = if size == 1 { name.to_owned() } else { format!("{name}[{at}]") };
        let (data, samples) = (frequency(&data, &edges), frequency(&samples, &edges));
        // Bars for single counts.
        let discrete = edges[0] == -0.5 && edges[1] == 0.5;
        Marginal { title, edges, data, samples, discrete, names: Vec::new() }
    };
    (0..size.min(MOST)).map(one).collect()
}

/// Equal bins over the middle 99 % of the values. Values outside count in the first or the last bin.
fn edges(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |part: f64| sorted.get((sorted.len().saturating_sub(1) as f64 * part).round() as usize).copied();
    let (low, high) = (at(0.005).unwrap_or(0.0), at(0.995).unwrap_or(1.0));
    let width = ((high - low) / BINS as f64).max(1e-9);
    (0..=BINS).map(|bin| low + bin as f64 * width).collect()
}

/// A bin for each count from 0, or equal bins of several counts if there would be too many. The last bin includes all
/// larger counts.
fn counted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let most = sorted.get((sorted.len().saturating_sub(1) as f64 * 0.995).round() as usize).copied().unwrap_or(1.0);
    let width = ((most + 1.0) / BINS as f64).ceil();
    let bins = ((most + 1.0) / width).ceil() as usize;
    (0..=bins.max(1)).map(|bin| bin as f64 * width - 0.5).collect()
}

fn frequency(values: &[f64], edges: &[f64]) -> Vec<f64> {
    let (bins, low, width) = (edges.len() - 1, edges[0], edges[1] - edges[0]);
    let mut counts = vec![0.0; bins];
    for value in values {
        counts[(((value - low) / width).max(0.0) as usize).min(bins - 1)] += 1.0 / values.len() as f64;
    }
    counts
}

/// The frequency of each class, or of a 1 for each binary element: both are means.
fn frequencies(name: &str, data: &[Vec<f64>], samples: &[Vec<f64>]) -> Marginal {
    let size = data.first().map_or(0, Vec::len);
    let mean = |rows: &[Vec<f64>]| -> Vec<f64> {
        (0..size).map(|at| rows.iter().map(|row| row[at]).sum::<f64>() / rows.len().max(1) as f64).collect()
    };
    let edges = (0..=size).map(|at| at as f64 - 0.5).collect();
    // For a single binary element, the frequency of 1.
    let names = if size == 1 { vec!["1".to_owned()] } else { Vec::new() };
    Marginal { title: name.to_owned(), edges, data: mean(data), samples: mean(samples), discrete: true, names }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_count_every_value_once() {
        let data: Vec<Vec<f64>> = (0..100).map(|at| vec![f64::from(at), 1.0]).collect();
        let samples: Vec<Vec<f64>> = (0..50).map(|at| vec![f64::from(at), f64::NAN]).collect();
        let found = charts("x", &data, &samples, edges);
        assert_eq!(found.iter().map(|one| one.title.as_str()).collect::<Vec<_>>(), ["x[0]", "x[1]"]);
        assert_eq!((found[0].edges.len(), found[0].data.len()), (BINS + 1, BINS));
        let total = |bins: &[f64]| bins.iter().sum::<f64>();
        // Here and below: rounding of a sum of shares.
        assert!((total(&found[0].data) - 1.0).abs() < 1e-9 && (total(&found[0].samples) - 1.0).abs() < 1e-9);
        // The samples are the lower half of the data.
        assert!(total(&found[0].samples[BINS / 2 + 1..]) < 1e-9 && total(&found[0].data[BINS / 2 + 1..]) > 0.4);
        assert_eq!(total(&found[1].samples), 0.0, "what is not a number is not counted");
    }

    #[test]
    fn counts_have_a_bar_each_or_share_one() {
        let few = counted(&[0.0, 3.0, 3.0, 1.0]);
        assert_eq!(few, [-0.5, 0.5, 1.5, 2.5, 3.5]);
        assert_eq!(frequency(&[0.0, 3.0, 3.0, 1.0], &few), [0.25, 0.25, 0.0, 0.5]);
        let many = counted(&(0..1000).map(f64::from).collect::<Vec<_>>());
        assert!(many.len() <= BINS + 1 && many[1] - many[0] == 42.0, "{many:?}");
    }

    #[test]
    fn classes_have_a_bar_each() {
        let one_hot = |class: usize| (0..3).map(|at| f64::from(u8::from(at == class))).collect::<Vec<_>>();
        let found = frequencies("c", &[one_hot(0), one_hot(2)], &[one_hot(1)]);
        assert_eq!(
            (found.data, found.samples, found.edges),
            (vec![0.5, 0.0, 0.5], vec![0.0, 1.0, 0.0], vec![-0.5, 0.5, 1.5, 2.5])
        );
    }
}
