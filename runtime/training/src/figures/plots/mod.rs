//! Plots of data other than images: pairs of numbers, sequences, the latent space, imputed against true values.

mod kinds;
mod plane;

pub use kinds::{Group, Lines, Map, Plots, Scatter};

use super::{at_rest, complete};
use crate::arrays::Numbers;
use crate::data::{Batches, Images, Records};
use crate::eval::{self, Encoding};
use crate::spec::{Role, Space, Spec, Variable};
use crate::{DType, Decode, Draw, Mode, Model, Noise, Tensor, Values};
use anyhow::Result;
use plane::plane;
use std::collections::BTreeMap;

/// The number of records shown.
const COUNT: usize = 400;
/// The number of variables' elements whose pairs are shown.
const PAIRED: usize = 4;
/// The number of sequences in a plot, and of plots for a variable.
const SEQUENCES: usize = 4;
const PANELS: usize = 3;
/// The number of classes with a colour.
const CLASSES: usize = 10;

/// All plots of a model's test records. `classes` are the names of labels' classes. None if there are only images and
/// no latent is inferred.
///
/// # Errors
/// Data that do not fit the model, or a failed tensor operation.
pub fn plots(
    model: &dyn Model,
    spec: &Spec,
    images: &Images,
    seed: u64,
    classes: &BTreeMap<String, Vec<String>>,
) -> Result<Plots> {
    if images.is_empty() {
        return Ok(Plots::default());
    }
    let images = images.first(COUNT)?;
    at_rest(model, || {
        let batches = Batches::new(spec, &images, model.params().device())?;
        let data = batches.range(&images, 0, images.len())?;
        let mut plots = Plots::default();
        let names = spec.data_variables().find(|variable| variable.space == Space::Label);
        let names = names.and_then(|label| classes.get(&label.name)).map_or(&[][..], Vec::as_slice);
        let test = Shown { model, spec, images: &images, data: &data, seed, names, classes };
        if let Some(samples) = test.samples()? {
            test.pairs(&samples, &mut plots)?;
            test.sequences(&samples, &mut plots)?;
        }
        test.latents(&mut plots)?;
        test.imputed(&mut plots)?;
        Ok(plots)
    })
}

struct Shown<'a> {
    model: &'a dyn Model,
    spec: &'a Spec,
    images: &'a Records,
    data: &'a Values,
    seed: u64,
    /// The names of the classes that determine the colours.
    names: &'a [String],
    /// The names of every label's classes.
    classes: &'a BTreeMap<String, Vec<String>>,
}

impl Shown<'_> {
    fn mode(&self, name: &str) -> Option<Mode> {
        self.model.modes().iter().find(|mode| mode.name == name).copied()
    }

    /// As many samples from the model as records, given the records' evidence.
    fn samples(&self) -> Result<Option<Values>> {
        let shows = |variable: &Variable| variable.is_observed() && (variable.steps || is_number(variable));
        let Some(mode) = self.mode("generation").filter(|_| self.spec.variables.iter().any(shows)) else {
            return Ok(None);
        };
        let draw = Draw { decode: Decode::Sample, ..Draw::default() };
        let mut noise = Noise::seeded(self.seed);
        let given = complete(self.model, &mode, self.data, &mut noise, &draw)?;
        Ok(Some(self.model.run(mode.name, &given, self.images.len(), &mut noise, &draw)?))
    }

    /// The values of each record in the data's own units.
    fn rows(&self, name: &str, values: &Values) -> Result<Vec<Vec<f64>>> {
        let value: &Tensor = values.get(name)?;
        let mut rows: Vec<Vec<f32>> = value.to_dtype(DType::F32)?.flatten_from(1)?.to_vec2()?;
        if let Some(scale) = self.images.scale_of(name) {
            rows.iter_mut().for_each(|row| scale.undo(row));
        }
        Ok(rows.into_iter().map(|row| row.into_iter().map(f64::from).collect()).collect())
    }

    fn has(&self, variable: &Variable, record: usize) -> bool {
        self.images.has(&variable.name, record)
    }

    /// Pairs of the first numbers: test data and samples.
    fn pairs(&self, samples: &Values, plots: &mut Plots) -> Result<()> {
        let mut columns: Vec<(String, [Vec<f64>; 2])> = Vec::new();
        let numbers = |variable: &&Variable| variable.is_observed() && !variable.steps && is_number(variable);
        for variable in self.spec.variables.iter().filter(numbers) {
            let rows = [self.rows(&variable.name, self.data)?, self.rows(&variable.name, samples)?];
            let size = rows[0].first().map_or(0, Vec::len);
            for at in (0..size).take(PAIRED - columns.len().min(PAIRED)) {
                let name = if size == 1 { variable.name.clone() } else { format!("{}[{at}]", variable.name) };
                let value = |record: usize, row: &Vec<f64>| if self.has(variable, record) { row[at] } else { f64::NAN };
                let data = rows[0].iter().enumerate().map(|(record, row)| value(record, row)).collect();
                columns.push((name, [data, rows[1].iter().map(|row| row[at]).collect()]));
            }
        }
        for (at, (y, down)) in columns.iter().enumerate() {
            for (x, right) in &columns[..at] {
                let group = |which: usize, name: &str| Group {
                    name: name.to_owned(),
                    points: together(&right[which], &down[which]),
                };
                plots.pairs.push(Scatter {
                    title: format!("{y} over {x}"),
                    axes: [x.clone(), y.clone()],
                    groups: vec![group(0, "test data"), group(1, "samples")],
                    diagonal: false,
                });
            }
        }
        Ok(())
    }

    /// Numbers over the steps as lines; binary values with each step as a column.
    fn sequences(&self, samples: &Values, plots: &mut Plots) -> Result<()> {
        let lengths = Variable::length(&self.spec.variables).and_then(|length| self.images.lengths(&length.name));
        for variable in self.spec.variables.iter().filter(|variable| variable.is_observed() && variable.steps) {
            let steps = variable.shape[0].max(1);
            for (what, values) in [("test data", self.data), ("samples", samples)] {
                let mut rows = self.rows(&variable.name, values)?;
                rows.truncate(SEQUENCES);
                let length = |record: usize| match (&lengths, what) {
                    (Some(lengths), "test data") => lengths[record].min(steps),
                    _ => steps,
                };
                let width = rows.first().map_or(0, Vec::len) / steps;
                if matches!(variable.space, Space::Binary | Space::Label) {
                    plots.maps.extend(rows.iter().enumerate().map(|(record, row)| {
                        Map {
                            title: format!("{}, {what} {}", variable.name, record + 1),
                            axes: ["step".into(), variable.name.clone()],
                            first: [1, 0],
                            rows: (0..width)
                                .map(|at| (0..length(record)).map(|step| row[step * width + at]).collect())
                                .collect(),
                            names: Vec::new(),
                        }
                    }));
                    continue;
                }
                for at in 0..width.min(PANELS) {
                    let of = if width == 1 { String::new() } else { format!("[{at}]") };
                    let line = |(record, row): (usize, &Vec<f64>)| {
                        let values = (0..length(record)).map(|step| row[step * width + at]).collect();
                        ((record + 1).to_string(), values)
                    };
                    let lines = rows.iter().enumerate().map(line).collect();
                    plots.sequences.push(Lines { title: format!("{}{of}, {what}", variable.name), lines });
                }
            }
        }
        Ok(())
    }

    /// The posterior means of each latent in two dimensions, coloured by class if there are classes.
    fn latents(&self, plots: &mut Plots) -> Result<()> {
        if eval::inferred(self.model, self.spec).is_err() {
            return Ok(());
        }
        let found = eval::encode(self.model, self.spec, self.images, &Encoding::default())?;
        let classes: Vec<Option<usize>> = (0..self.images.len()).map(|record| self.class(record)).collect();
        for array in &found {
            let latent = self.spec.variable(&array.name).filter(|latent| latent.space == Space::Real && !latent.steps);
            let (Some(latent), Numbers::F32(values)) = (latent, &array.values) else { continue };
            let units = latent.shape.iter().product::<usize>();
            if units < 2 {
                continue;
            }
            let rows: Vec<Vec<f64>> =
                values.chunks(units).map(|row| row.iter().map(|&value| f64::from(value)).collect()).collect();
            let (points, part) = plane(&rows);
            let (axes, title) = match part {
                None => {
                    ([0, 1].map(|at| format!("{}[{at}]", latent.name)), format!("posterior means of {}", latent.name))
                }
                Some(part) => (
                    ["first principal component".to_owned(), "second principal component".to_owned()],
                    format!("posterior means of {}, {:.0} % of their variance", latent.name, 100.0 * part),
                ),
            };
            plots.latents.push(Scatter {
                title,
                axes,
                groups: by_class(&points, &classes, self.names),
                diagonal: false,
            });
        }
        Ok(())
    }

    fn class(&self, record: usize) -> Option<usize> {
        self.images.label(record).filter(|class| *class < CLASSES)
    }

    /// Known values of partly observed variables, imputed from all other variables.
    fn imputed(&self, plots: &mut Plots) -> Result<()> {
        for variable in self.spec.variables.iter().filter(|variable| variable.role == Role::Partly) {
            let finds = |mode: &&Mode| {
                mode.yields.contains(&variable.name.as_str()) && !mode.given.contains(&variable.name.as_str())
            };
            let named = |mode: &&Mode| ["imputation", "classification"].iter().any(|word| mode.name.starts_with(word));
            let Some(mode) = self.model.modes().iter().filter(finds).find(named).copied() else { continue };
            // The mean, for a normal q.
            let mut noise = Noise::none();
            let draw = Draw { decode: Decode::Mode, ..Draw::default() };
            let given = complete(self.model, &mode, self.data, &mut noise, &draw)?;
            let found = self.model.run(mode.name, &given, self.images.len(), &mut noise, &draw)?;
            let (truth, found) = (self.rows(&variable.name, self.data)?, self.rows(&variable.name, &found)?);
            let known = (0..truth.len()).filter(|&record| self.has(variable, record));
            let known: Vec<(&Vec<f64>, &Vec<f64>)> = known.map(|record| (&truth[record], &found[record])).collect();
            if matches!(variable.space, Space::Label) {
                let names = self.classes.get(&variable.name).map_or(&[][..], Vec::as_slice);
                plots.classified.push(confusion(&variable.name, &known, names));
                continue;
            }
            for at in 0..truth.first().map_or(0, Vec::len).min(PANELS) {
                let of = if truth[0].len() == 1 { variable.name.clone() } else { format!("{}[{at}]", variable.name) };
                let points = known.iter().map(|(truth, found)| [truth[at], found[at]]).collect();
                plots.imputed.push(Scatter {
                    title: format!("{of}: imputed from everything else"),
                    axes: [format!("{of}, true"), format!("{of}, imputed")],
                    groups: vec![Group { name: "test records".into(), points }],
                    diagonal: true,
                });
            }
        }
        Ok(())
    }
}

/// Whether a variable consists of numbers for pairs.
fn is_number(variable: &Variable) -> bool {
    let continuous = [Space::Real, Space::Positive, Space::Unit, Space::Count].contains(&variable.space);
    continuous && variable.picture().is_none() && !variable.is_length
}

fn together(right: &[f64], down: &[f64]) -> Vec<[f64; 2]> {
    let pairs = right.iter().zip(down).map(|(&x, &y)| [x, y]);
    pairs.filter(|[x, y]| x.is_finite() && y.is_finite()).collect()
}

fn by_class(points: &[[f64; 2]], classes: &[Option<usize>], names: &[String]) -> Vec<Group> {
    let of = |class: Option<usize>| -> Vec<[f64; 2]> {
        points.iter().zip(classes).filter(|(_, own)| **own == class).map(|(point, _)| *point).collect()
    };
    let called = |class: usize| names.get(class).cloned().unwrap_or_else(|| class.to_string());
    let mut groups: Vec<Group> =
        (0..CLASSES).map(|class| Group { name: called(class), points: of(Some(class)) }).collect();
    groups.push(Group { name: "other classes".into(), points: of(None) });
    groups.retain(|group| !group.points.is_empty());
    if let [only] = groups.as_mut_slice() {
        only.name = "test records".into();
    }
    groups
}

/// The confusion matrix: for the records of each class, the fractions assigned to each class.
fn confusion(name: &str, known: &[(&Vec<f64>, &Vec<f64>)], names: &[String]) -> Map {
    let size = known.first().map_or(0, |(truth, _)| truth.len());
    let largest = |row: &[f64]| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0);
    let mut rows = vec![vec![0.0; size]; size];
    known.iter().for_each(|(truth, found)| rows[largest(truth)][largest(found)] += 1.0);
    let right: f64 = (0..size).map(|class| rows[class][class]).sum();
    for row in &mut rows {
        let total = row.iter().sum::<f64>().max(1.0);
        row.iter_mut().for_each(|count| *count /= total);
    }
    let share = 100.0 * right / known.len().max(1) as f64;
    let title = format!("{name}: a draw of q finds {share:.0} % of {} test records", known.len());
    let names = if names.len() == size { names.to_vec() } else { Vec::new() };
    Map { title, axes: ["found".into(), "true".into()], first: [0, 0], rows, names }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points on a plane in five dimensions, with noise below a thousandth.
    #[test]
    fn principal_components_span_the_plane_that_points_lie_in() {
        let rows: Vec<Vec<f64>> = (0..200)
            .map(|at| {
                let (a, b) = ((f64::from(at) * 0.37).sin() * 3.0, (f64::from(at) * 1.91).cos());
                vec![a + 5.0, b, a - b, 2.0 * a, -b + 1e-4 * f64::from(at % 7)]
            })
            .collect();
        let (points, part) = plane(&rows);
        assert!(part.unwrap() > 0.999_999, "{part:?}");
        // Distances are preserved.
        let far = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        for at in 1..200 {
            assert!((far(&rows[0], &rows[at]) - far(&points[0], &points[at])).abs() < 1e-2);
        }
        assert_eq!(plane(&[vec![1.0, 2.0]]), (vec![[1.0, 2.0]], None));
        let same = plane(&[vec![1.0; 3], vec![1.0; 3]]);
        assert!(same.0.iter().flatten().all(|value| *value == 0.0) && same.1 == Some(0.0));
    }

    #[test]
    fn classes_are_counted_by_what_they_are_taken_for() {
        let one_hot = |class: usize| (0..3).map(|at| f64::from(u8::from(at == class))).collect::<Vec<_>>();
        let rows: Vec<(Vec<f64>, Vec<f64>)> =
            [(0, 0), (0, 1), (1, 1), (2, 2)].map(|(truth, found)| (one_hot(truth), one_hot(found))).into();
        let map = confusion("y", &rows.iter().map(|(a, b)| (a, b)).collect::<Vec<_>>(), &[]);
        assert_eq!(map.rows, [[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
        assert_eq!(map.title, "y: a draw of q finds 75 % of 4 test records");
    }
}
