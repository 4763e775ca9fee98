//! Values given by the user: the VALUE of `--given NAME=VALUE`.

mod files;

use super::cells::{Cells, Column};
use super::families::Family;
use super::formats::arrays;
use super::{Records, Scales, open_picture, trials};
use crate::picture::resize;
use crate::spec::{Space, Spec, Variable, space_entry};
use crate::terminal::note;
use anyhow::{Context, Result, bail, ensure};
use files::{array, members};
use std::collections::BTreeMap;
use std::path::Path;

/// What a value is given for.
enum Target<'s> {
    One(&'s Variable),
    /// All members of a family over fixed indices, by one array.
    All(Family<'s>),
}

/// The variable or family in `NAME=VALUE`, and the text of its value.
///
/// # Errors
/// A text without `=`, or a name that is not a variable or family of the model.
fn split<'s, 't>(spec: &'s Spec, text: &'t str) -> Result<(Target<'s>, &'t str)> {
    let (name, value) = text.split_once('=').with_context(|| {
        format!("--given {text}: expected NAME=VALUE, such as c=3 for a label or y=picture.png for an image")
    })?;
    let name = name.trim();
    let family = || Family::all(&spec.variables).into_iter().find(|family| family.name == name);
    let target = spec.variable(name).map(Target::One).or_else(|| family().map(Target::All));
    let target = target.with_context(|| {
        let names: Vec<&str> = spec.variables.iter().map(|variable| variable.name.as_str()).collect();
        format!("--given {text}: the model has no variable `{name}`; it has {}", names.join(", "))
    })?;
    Ok((target, value.trim()))
}

/// The variables that `NAME=VALUE` gives: one, or all members of a family.
///
/// # Errors
/// A text without `=`, or a name that is not a variable or family of the model.
pub fn named<'s>(spec: &'s Spec, text: &str) -> Result<Vec<&'s str>> {
    Ok(match split(spec, text)?.0 {
        Target::One(variable) => vec![variable.name.as_str()],
        Target::All(family) => family.members.iter().map(|member| member.name.as_str()).collect(),
    })
}

/// The values of `--given` for some variables: for each one value, or one per record.
#[derive(Debug, Clone, Default)]
pub struct Given(Vec<Column>);

impl Given {
    /// From `NAME=VALUE` texts. `classes` are the names of labels' classes. A value has the form of `--given`, or is
    /// the path of an array file (.npz, .npy, .safetensors), from which the array with the variable's name is used, or
    /// the only one. The array of a family, `[records, N, …]`, has the values of all members.
    ///
    /// # Errors
    /// Texts that are not NAME=VALUE, arrays that do not fit their variables or have different numbers of records, or a
    /// variable that is given twice.
    pub fn read(spec: &Spec, texts: &[String], classes: &BTreeMap<String, Vec<String>>) -> Result<Self> {
        let mut columns: Vec<Column> = Vec::new();
        for text in texts {
            let (target, value) = split(spec, text)?;
            let names = |name: &str| classes.get(name).map_or(&[][..], Vec::as_slice);
            let new = match &target {
                Target::One(variable) => {
                    cells(variable, value, names(&variable.name)).map(|cells| vec![(*variable, cells)])
                }
                Target::All(family) => members(family, value, names),
            };
            for (variable, cells) in new.with_context(|| format!("--given {text}"))? {
                let name = variable.name.clone();
                ensure!(columns.iter().all(|column| column.name != name), "--given {text}: `{name}` is given twice");
                columns.push(Column { name, cells });
            }
        }
        let several: Vec<&Column> = columns.iter().filter(|column| column.cells.len() != 1).collect();
        if let Some(odd) = several.iter().find(|column| column.cells.len() != several[0].cells.len()) {
            let (first, own) = (several[0].cells.len(), odd.cells.len());
            bail!("--given: there are {first} values of {} and {own} of {}", several[0].name, odd.name);
        }
        Ok(Self(columns))
    }

    /// The number of steps that are given of each record.
    pub fn steps(length: &Variable, steps: impl Iterator<Item = usize>) -> Self {
        let numbers = steps.map(|steps| steps as f32).collect();
        Self(vec![Column { name: length.name.clone(), cells: Cells::Reals { shape: length.shape.clone(), numbers } }])
    }

    /// The values for a model that was trained on standardised data.
    #[must_use]
    pub fn scaled(mut self, scales: &Scales) -> Self {
        for column in &mut self.0 {
            if let (Some(scale), Cells::Reals { numbers, .. }) = (scales.get(&column.name), &mut column.cells) {
                scale.apply(numbers);
            }
        }
        self
    }

    /// Adds the values to records, in the place of their own. Values for all records are repeated.
    ///
    /// # Errors
    /// Another number of values, or a value that is impossible together with the others.
    pub fn insert_into(&self, records: &mut Records, spec: &Spec) -> Result<()> {
        self.of(records.len())?.into_iter().try_for_each(|column| records.insert(column))?;
        trials::check_given(records, &spec.variables, &self.names())
    }

    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(|column| column.name.as_str()).collect()
    }

    /// The number of records. None if each variable has one value for all.
    pub fn records(&self) -> Option<usize> {
        self.0.iter().map(|column| column.cells.len()).find(|count| *count != 1)
    }

    /// The values of `count` records: the given ones, or the same for each.
    ///
    /// # Errors
    /// Another number of values.
    pub fn of(&self, count: usize) -> Result<Vec<Column>> {
        let column = |column: &Column| match column.cells.len() {
            1 => Ok(Column { name: column.name.clone(), cells: column.cells.select(&vec![0; count]) }),
            own if own == count => Ok(column.clone()),
            own => bail!("--given: there are {own} values of {} and {count} records", column.name),
        };
        self.0.iter().map(column).collect()
    }
}

/// The value for all records, or the values of several.
fn cells(variable: &Variable, text: &str, classes: &[String]) -> Result<Cells> {
    let path = Path::new(text);
    if arrays::is_file(path) {
        return array(variable, path, classes);
    }
    let numbers: Vec<f32> = value(variable, text, classes)?;
    if numbers.len() > 1 && variable.space != Space::Label && text.parse::<f32>().is_ok() {
        let (name, size) = (&variable.name, numbers.len());
        note(&format!("--given {name}={text}: all {size} numbers of `{name}` are {text}; separate others by commas"));
    }
    Ok(match variable.space {
        Space::Label => Cells::Classes(vec![numbers.iter().position(|&number| number == 1.0).unwrap_or(0)]),
        _ => Cells::Reals { shape: variable.shape.clone(), numbers },
    })
}

/// The value of a variable from a text.
///
/// - A label: the number of a class from 0, or one of `classes` by name.
/// - An image, for an image variable or a binary or real variable of that shape: the path of an image file, which is
///   fitted to the variable's size.
/// - Otherwise numbers, as many as the variable has, separated by commas; a single number is used for all.
///
/// # Errors
/// A text that is not a value of the variable, with what it is and what is expected.
fn value(variable: &Variable, text: &str, classes: &[String]) -> Result<Vec<f32>> {
    match variable.space {
        Space::Label => label(variable, text, classes),
        Space::Image => picture(variable, text),
        Space::Binary | Space::Real if variable.picture().is_some() && Path::new(text).exists() => {
            picture(variable, text)
        }
        _ => list(variable, text),
    }
}

/// One-hot.
fn label(variable: &Variable, text: &str, names: &[String]) -> Result<Vec<f32>> {
    let &[count] = variable.shape.as_slice() else {
        bail!("a label of shape {:?} cannot be set to a single class", variable.shape);
    };
    let number = match names.iter().position(|name| name == text) {
        Some(number) => number,
        None => text.parse().ok().filter(|&number: &usize| number < count).with_context(|| {
            let known = if names.is_empty() { String::new() } else { format!(", or one of {}", names.join(", ")) };
            format!("expected a class from 0 to {}{known}", count.saturating_sub(1))
        })?,
    };
    ensure!(number < count, "this is class {number}, and the variable has {count} classes");
    Ok((0..count).map(|class| f32::from(class == number)).collect())
}

fn picture(variable: &Variable, text: &str) -> Result<Vec<f32>> {
    let shape = variable.picture().with_context(|| format!("an image for shape {:?}", variable.shape))?;
    ensure!(Path::new(text).exists(), "expected the path of an image, and there is no such file");
    let bytes = resize::fit_rgb(&open_picture(Path::new(text))?, shape);
    let number = |byte: u8| match variable.space {
        Space::Binary => f32::from(byte >= 128),
        _ => f32::from(byte) / 255.0,
    };
    Ok(bytes.into_iter().map(number).collect())
}

fn list(variable: &Variable, text: &str) -> Result<Vec<f32>> {
    let size: usize = variable.shape.iter().product();
    let wanted = || match size {
        1 => "expected a finite number".to_owned(),
        _ => format!("expected {size} finite numbers separated by commas, or one for all"),
    };
    let numbers: Vec<f32> =
        text.split(',').map(|number| number.trim().parse()).collect::<Result<_, _>>().with_context(wanted)?;
    ensure!(numbers.iter().all(|number| number.is_finite()), "{}", wanted());
    if variable.space == Space::Binary {
        ensure!(numbers.iter().all(|&number| number == 0.0 || number == 1.0), "{}, each 0 or 1", wanted());
    }
    let numbers = match numbers.len() {
        1 => vec![numbers[0]; size],
        count if count == size => numbers,
        count => bail!("{}; there are {count}", wanted()),
    };
    if variable.is_numeric() {
        let entry = space_entry(variable.space);
        let row: Vec<f64> = numbers.iter().map(|&number| f64::from(number)).collect();
        if let Some(why) = variable.wrong(&row) {
            bail!("the value {why}; `{}` takes {}", entry.name, entry.docs.trim_end_matches('.').to_lowercase());
        }
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::{Given, Space, Spec, Variable, value};
    use crate::arrays::{Array, Numbers, write_npz};
    use crate::data::Cells;
    use crate::spec::Role;
    use crate::{Builder, Settings};

    fn variable(space: Space, shape: &[usize]) -> Variable {
        Variable::new("v", Role::Given, space, shape)
    }

    #[test]
    fn texts_become_values_of_their_variable() {
        let names: Vec<String> = ["cat", "dog", "cow"].map(String::from).to_vec();
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("grey.png");
        image::RgbImage::from_pixel(6, 4, image::Rgb([51; 3])).save(&path).unwrap();
        let file = path.display().to_string();
        for (space, shape, text, expected) in [
            (Space::Label, vec![3], "2", vec![0.0, 0.0, 1.0]),
            (Space::Label, vec![3], "dog", vec![0.0, 1.0, 0.0]),
            (Space::Real, vec![2], "1.5, -2", vec![1.5, -2.0]),
            (Space::Real, vec![1, 2, 1], "0.25", vec![0.25, 0.25]),
            (Space::Binary, vec![3], "1,0,1", vec![1.0, 0.0, 1.0]),
            (Space::Count, vec![2], "3, 0", vec![3.0, 0.0]),
            (Space::Simplex, vec![2], "0.25, 0.75", vec![0.25, 0.75]),
            (Space::Image, vec![1, 2, 2], &file, vec![0.2; 4]),
            (Space::Binary, vec![1, 2, 2], &file, vec![0.0; 4]),
        ] {
            assert_eq!(value(&variable(space, &shape), text, &names).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn texts_that_are_no_value_say_what_is_wanted() {
        let names = vec!["cat".to_owned(), "dog".to_owned()];
        for (space, shape, text, words) in [
            (Space::Label, vec![2], "2", "a class from 0 to 1, or one of cat, dog"),
            (Space::Label, vec![2], "bird", "a class from 0 to 1, or one of cat, dog"),
            (Space::Label, vec![2], "-1", "a class from 0 to 1"),
            (Space::Label, vec![2, 4, 4], "1", "cannot be set to a single class"),
            (Space::Real, vec![3], "1,2", "expected 3 finite numbers separated by commas, or one for all; there are 2"),
            (Space::Real, vec![3], "1,2,x", "expected 3 finite numbers"),
            (Space::Real, vec![1], "NaN", "expected a finite number"),
            (Space::Real, vec![1], "abc", "expected a finite number"),
            (Space::Real, vec![3], "1,2,inf", "expected 3 finite numbers"),
            (Space::Binary, vec![2], "0,0.5", "each 0 or 1"),
            (Space::Count, vec![2], "0,0.5", "not a whole number from 0 on; `count` takes integers from 0"),
            (Space::Positive, vec![2], "1,0", "not positive"),
            (Space::Unit, vec![1], "1", "not between 0 and 1, both excluded"),
            (Space::Simplex, vec![2], "0.4", "do not add up to 1"),
            // Its length is 1.0012.
            (Space::Sphere, vec![2], "0.602,0.8", "does not have length 1"),
            (Space::Image, vec![3, 4, 4], "nowhere.png", "there is no such file"),
        ] {
            let (spec, classes) = (spec(variable(space, &shape)), [("v".to_owned(), names.clone())].into());
            let error = format!("{:#}", Given::read(&spec, &[format!("v={text}")], &classes).unwrap_err());
            assert!(error.contains(words) && error.contains(&format!("--given v={text}")), "{error}");
        }
    }

    fn spec(variable: Variable) -> Spec {
        let two = [variable.clone(), Variable { name: "w".into(), ..variable }];
        Spec {
            name: "m".into(),
            source: String::new(),
            preset: None,
            settings: Settings::new(),
            variables: two.into(),
            builder: Builder::new(|_, _| candle_core::bail!("not to be built")),
        }
    }

    #[test]
    fn arrays_are_values_of_several_records() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.npz");
        let array = |name: &str, shape: &[usize]| {
            let numbers = (0..shape.iter().product()).map(|at| at as f32).collect();
            Array { name: name.into(), shape: shape.to_vec(), values: Numbers::F32(numbers) }
        };
        write_npz(&path, &[array("v", &[3, 2]), array("w", &[2]), array("u", &[4, 2])]).unwrap();
        let spec = spec(variable(Space::Real, &[2]));
        let texts = |names: &[&str]| names.iter().map(|name| format!("{name}={}", path.display())).collect::<Vec<_>>();
        let read = |texts: &[String]| Given::read(&spec, texts, &Default::default());
        let both = read(&texts(&["v", "w"])).unwrap();
        assert_eq!((both.names(), both.records()), (vec!["v", "w"], Some(3)));
        // An array of a single record's shape is that record, the same for all.
        let columns = both.of(3).unwrap();
        for (column, wanted) in columns.iter().zip([[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]]) {
            assert!(matches!(&column.cells, Cells::Reals { numbers, .. } if *numbers == wanted), "{column:?}");
        }
        assert!(both.of(2).unwrap_err().to_string().contains("there are 3 values of v and 2 records"));
        let alone = read(&["w=0.5".to_owned()]).unwrap();
        assert_eq!((alone.records(), alone.of(7).unwrap()[0].cells.len()), (None, 7));
        for (texts, words) in [
            (vec!["v=1".to_owned(), "v=2".to_owned()], "`v` is given twice"),
            (vec![format!("v={}", place.path().join("none.npz").display())], "none.npz: no such file"),
        ] {
            let error = format!("{:#}", read(&texts).unwrap_err());
            assert!(error.contains(words), "{error}");
        }
        write_npz(&path, &[array("a", &[3, 2]), array("b", &[5, 2])]).unwrap();
        let error = format!("{:#}", read(&texts(&["v"])).unwrap_err());
        assert!(error.contains("no array is named `v`; there are a, b"), "{error}");
    }
}
