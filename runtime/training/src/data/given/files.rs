//! Values from files of arrays.

use crate::data::cells::Cells;
use crate::data::families::Family;
use crate::data::fit::{Binarise, Fitting, Range, fit};
use crate::data::formats::arrays;
use crate::data::table::{Field, Raw};
use crate::input::Array;
use crate::spec::{Space, Variable};
use crate::terminal::note;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::path::Path;

/// The array of a file with the variable's name, or its only one. Its first axis is the record, if it has one more axis
/// than the variable.
pub fn array(variable: &Variable, path: &Path, classes: &[String]) -> Result<Cells> {
    let (name, mut array) = found(path, &variable.name)?;
    if array.shape.is_empty() || array.shape == variable.shape && variable.space != Space::Label {
        array.shape.insert(0, 1);
    }
    let count = array.shape[0];
    ensure!(count > 0, "{}: array `{name}` has no records", path.display());
    let field = Field { name, raw: Raw::Numbers(array) };
    let range = Range::of(std::iter::once(&field));
    fitted(variable, &field, count, (range, classes))
}

/// The members of a family, from the array `[records, N, …]` of a file. Without the axis of the records it is the same for all.
pub fn members<'s, 'c>(
    family: &Family<'s>,
    text: &str,
    classes: impl Fn(&str) -> &'c [String],
) -> Result<Vec<(&'s Variable, Cells)>> {
    let path = Path::new(text);
    ensure!(
        arrays::is_file(path),
        "`{}` is a family, {}: expected an array file with the shape {}, or a value for each member, `{}=VALUE`",
        family.name,
        family.listed(),
        family.wanted(),
        family.members[0].name
    );
    let (name, mut array) = found(path, family.name)?;
    if !family.takes(&array.shape) && family.takes(&[&[1], array.shape.as_slice()].concat()) {
        array.shape.insert(0, 1);
    }
    let takes = family.takes(&array.shape);
    let count = array.shape.first().copied().unwrap_or(0);
    let whole = Field { name: name.clone(), raw: Raw::Numbers(array) };
    ensure!(takes, "{}: {}", path.display(), family.unfit(&name, &whole.raw.describe()));
    ensure!(count > 0, "{}: array `{name}` has no records", path.display());
    let range = Range::of(std::iter::once(&whole));
    let each = family.members.iter().zip(&family.places).map(|(variable, place)| {
        let field = Field { name: name.clone(), raw: family.cut(&whole.raw, place)? };
        Ok((*variable, fitted(variable, &field, count, (range, classes(&variable.name)))?))
    });
    each.collect()
}

/// The array of a file with this name, or its only one.
fn found(path: &Path, name: &str) -> Result<(String, Array)> {
    let mut all = arrays::named(path)?;
    let at = all.iter().position(|(own, _)| own == name).or((all.len() == 1).then_some(0));
    let at = at.with_context(|| {
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        format!("{}: no array is named `{name}`; there are {}", path.display(), names.join(", "))
    })?;
    Ok(all.swap_remove(at))
}

/// The values of a variable from a field of `count` records.
fn fitted(variable: &Variable, field: &Field, count: usize, (range, classes): (Range, &[String])) -> Result<Cells> {
    let how = Fitting {
        binarise: Binarise::default(),
        seed: 0,
        range,
        classes,
        names: None,
        lines: None,
        numbers: None,
        frames: 1,
    };
    let mut notes = BTreeSet::new();
    let cells = fit(variable, &[field], &(0..count).collect::<Vec<_>>(), &how, &mut notes)?;
    notes.iter().for_each(|line| note(line));
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use super::super::Given;
    use crate::arrays::{Array, Numbers, write_npz};
    use crate::data::Cells;
    use crate::spec::{Role, Space, Spec, Variable};
    use crate::{Builder, Settings};

    /// x over two indices, and a label c over one.
    fn spec() -> Spec {
        let x = (1..=2).flat_map(|i| (1..=3).map(move |j| format!("x[{i}, {j}]")));
        let x = x.map(|name| Variable::new(name, Role::Given, Space::Real, &[2]));
        let c = (1..=2).map(|i| Variable::new(format!("c[{i}]"), Role::Given, Space::Label, &[4]));
        Spec {
            name: "m".into(),
            source: String::new(),
            preset: None,
            settings: Settings::new(),
            variables: x.chain(c).collect(),
            builder: Builder::new(|_, _| candle_core::bail!("not to be built")),
        }
    }

    #[test]
    fn one_array_gives_all_members_of_a_family() {
        let (spec, place) = (spec(), tempfile::tempdir().unwrap());
        let path = place.path().join("a.npz");
        let array = |name: &str, shape: &[usize], numbers: Vec<f32>| Array {
            name: name.into(),
            shape: shape.to_vec(),
            values: Numbers::F32(numbers),
        };
        let count = |shape: &[usize]| (0..shape.iter().product()).map(|at: usize| at as f32).collect();
        let labels = vec![3.0, 0.0, 1.0, 2.0, 0.0, 0.0, 2.0, 2.0];
        write_npz(&path, &[array("x", &[4, 2, 3, 2], count(&[4, 2, 3, 2])), array("c", &[4, 2], labels)]).unwrap();
        let read = |texts: &[&str]| {
            let texts: Vec<String> =
                texts.iter().map(|text| text.replace("FILE", &path.display().to_string())).collect();
            Given::read(&spec, &texts, &Default::default()).map_err(|error| format!("{error:#}"))
        };
        let given = read(&["x=FILE", "c=FILE"]).unwrap();
        assert_eq!((given.names().len(), given.records()), (8, Some(4)));
        for column in given.of(4).unwrap() {
            match (column.name.as_str(), &column.cells) {
                // Record r has 12 r + 6 (i − 1) + 2 (j − 1) and the number after it.
                ("x[2, 1]", Cells::Reals { numbers, .. }) => {
                    assert_eq!(numbers, &[6.0, 7.0, 18.0, 19.0, 30.0, 31.0, 42.0, 43.0]);
                }
                ("x[1, 3]", Cells::Reals { numbers, .. }) => assert_eq!(numbers[2..4], [16.0, 17.0]),
                ("c[1]", Cells::Classes(classes)) => assert_eq!(classes, &[3, 1, 0, 2]),
                ("c[2]", Cells::Classes(classes)) => assert_eq!(classes, &[0, 2, 0, 2]),
                (_, Cells::Reals { .. }) => {}
                _ => panic!("{column:?}"),
            }
        }
        for (texts, words) in [
            (&["x=FILE", "x[1, 2]=0.5"][..], "`x[1, 2]` is given twice"),
            (
                &["x=0.5"],
                "`x` is a family, `x[1, 1]` to `x[2, 3]`: expected an array file with the shape [records, 2, 3, 2]",
            ),
        ] {
            let said = read(texts).unwrap_err();
            assert!(said.contains(words), "{said}");
        }
        // Without records it is one record, the same for all.
        write_npz(&path, &[array("x", &[2, 3, 2], count(&[2, 3, 2]))]).unwrap();
        assert_eq!(read(&["x=FILE"]).unwrap().records(), None);
        write_npz(&path, &[array("x", &[4, 3, 2], count(&[4, 3, 2]))]).unwrap();
        let said = read(&["x=FILE"]).unwrap_err();
        assert!(
            said.contains("`x` is float32 [4, 3, 2]; `x[1, 1]` to `x[2, 3]` in one array take [records, 2, 3, 2]"),
            "{said}"
        );
    }
}
