//! Values that a user gives a variable by hand: the VALUE of `--given NAME=VALUE`.

use super::records::{Cells, Column};
use super::{open_picture, resize_rgb};
use crate::spec::{Space, Spec, Variable};
use crate::{Device, Tensor};
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::path::Path;

/// The variable that `NAME=VALUE` names, and the text of its value.
///
/// # Errors
/// A text without `=`, or a name that is no variable of the model.
pub fn split<'s, 't>(spec: &'s Spec, text: &'t str) -> Result<(&'s Variable, &'t str)> {
    let (name, value) = text.split_once('=').with_context(|| {
        format!("--given {text}: wanted is NAME=VALUE, such as c=3 for a label or y=picture.png for a picture")
    })?;
    let variable = spec.variable(name.trim()).with_context(|| {
        let names: Vec<&str> = spec.variables.iter().map(|variable| variable.name.as_str()).collect();
        format!("--given {text}: the model has no variable `{name}`; it has {}", names.join(", "))
    })?;
    Ok((variable, value.trim()))
}

/// The same value for each of `count` records, as a column of them; `classes` are the names of a label's classes.
///
/// # Errors
/// As [`split`] and [`value`].
pub fn column(spec: &Spec, text: &str, classes: &BTreeMap<String, Vec<String>>, count: usize) -> Result<Column> {
    let (variable, text) = split(spec, text)?;
    let names = classes.get(&variable.name).map_or(&[][..], Vec::as_slice);
    let numbers: Vec<f32> = value(variable, text, names, &Device::Cpu)?.flatten_all()?.to_vec1()?;
    let cells = match variable.space {
        Space::Label => Cells::Classes(vec![numbers.iter().position(|&number| number == 1.0).unwrap_or(0); count]),
        _ => Cells::Reals { shape: variable.shape.clone(), numbers: numbers.repeat(count) },
    };
    Ok(Column { name: variable.name.clone(), cells })
}

/// The value that a text gives a variable: a tensor `[1, …]`.
///
/// - A label: the number of a class from 0, or one of `classes` by name.
/// - A picture, of an image or of a binary or real variable of that shape: the path of a picture file, brought to the
///   variable's size.
/// - Numbers otherwise, as many as the variable has, with commas between them; one number stands for all.
///
/// # Errors
/// A text that is no value of the variable: what it is, and what is wanted.
pub fn value(variable: &Variable, text: &str, classes: &[String], device: &Device) -> Result<Tensor> {
    let place = || format!("--given {}={text}", variable.name);
    let numbers = match variable.space {
        Space::Label => label(variable, text, classes),
        Space::Image => picture(variable, text),
        Space::Binary | Space::Real if variable.picture().is_some() && Path::new(text).exists() => {
            picture(variable, text)
        }
        _ => list(variable, text),
    };
    let dims: Vec<usize> = std::iter::once(1).chain(variable.shape.iter().copied()).collect();
    Ok(Tensor::from_vec(numbers.with_context(place)?, dims, device)?)
}

/// One-hot.
fn label(variable: &Variable, text: &str, names: &[String]) -> Result<Vec<f32>> {
    let &[count] = variable.shape.as_slice() else {
        bail!("a label of shape {:?} takes no single class", variable.shape);
    };
    let number = match names.iter().position(|name| name == text) {
        Some(number) => number,
        None => text.parse().ok().filter(|&number: &usize| number < count).with_context(|| {
            let known = if names.is_empty() { String::new() } else { format!(", or one of {}", names.join(", ")) };
            format!("wanted is a class from 0 to {}{known}", count.saturating_sub(1))
        })?,
    };
    ensure!(number < count, "this is class {number}, and the variable has {count} classes");
    Ok((0..count).map(|class| f32::from(class == number)).collect())
}

fn picture(variable: &Variable, text: &str) -> Result<Vec<f32>> {
    let shape = variable.picture().with_context(|| format!("a picture for shape {:?}", variable.shape))?;
    ensure!(Path::new(text).exists(), "wanted is the path of a picture, and there is no such file");
    let bytes = resize_rgb(&open_picture(Path::new(text))?, shape);
    let number = |byte: u8| match variable.space {
        Space::Binary => f32::from(byte >= 128),
        _ => f32::from(byte) / 255.0,
    };
    Ok(bytes.into_iter().map(number).collect())
}

fn list(variable: &Variable, text: &str) -> Result<Vec<f32>> {
    let size: usize = variable.shape.iter().product();
    let wanted = || format!("wanted are {size} numbers with commas between them, or one for all");
    let numbers: Vec<f32> =
        text.split(',').map(|number| number.trim().parse()).collect::<Result<_, _>>().with_context(wanted)?;
    ensure!(numbers.iter().all(|number| number.is_finite()), "{}, all finite", wanted());
    if variable.space == Space::Binary {
        ensure!(numbers.iter().all(|&number| number == 0.0 || number == 1.0), "{}, each 0 or 1", wanted());
    }
    match numbers.len() {
        1 => Ok(vec![numbers[0]; size]),
        count if count == size => Ok(numbers),
        count => bail!("{}; there are {count}", wanted()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Device, Space, Variable, value};
    use crate::spec::Role;

    fn variable(space: Space, shape: &[usize]) -> Variable {
        Variable {
            name: "v".into(),
            role: Role::Given,
            space,
            shape: shape.to_vec(),
            supplied: false,
            is_length: false,
        }
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
            (Space::Image, vec![1, 2, 2], &file, vec![0.2; 4]),
            (Space::Binary, vec![1, 2, 2], &file, vec![0.0; 4]),
        ] {
            let tensor = value(&variable(space, &shape), text, &names, &Device::Cpu).unwrap();
            assert_eq!(tensor.dims(), [&[1], shape.as_slice()].concat());
            assert_eq!(tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn texts_that_are_no_value_say_what_is_wanted() {
        let names = vec!["cat".to_owned(), "dog".to_owned()];
        for (space, shape, text, words) in [
            (Space::Label, vec![2], "2", "a class from 0 to 1, or one of cat, dog"),
            (Space::Label, vec![2], "bird", "a class from 0 to 1, or one of cat, dog"),
            (Space::Label, vec![2], "-1", "a class from 0 to 1"),
            (Space::Label, vec![2, 4, 4], "1", "takes no single class"),
            (Space::Real, vec![3], "1,2", "wanted are 3 numbers with commas between them, or one for all; there are 2"),
            (Space::Real, vec![3], "1,2,x", "wanted are 3 numbers"),
            (Space::Real, vec![1], "NaN", "all finite"),
            (Space::Binary, vec![2], "0,0.5", "each 0 or 1"),
            (Space::Image, vec![3, 4, 4], "nowhere.png", "there is no such file"),
        ] {
            let error = format!("{:#}", value(&variable(space, &shape), text, &names, &Device::Cpu).unwrap_err());
            assert!(error.contains(words) && error.contains(&format!("--given v={text}")), "{error}");
        }
    }
}
