//! Numbers that no one means: messages name the record and the reason.

use super::missing::{load, partly};
use super::names::{floats, npy, npz, values};
use super::spec;
use srvae::spec::{Space, Spec};
use std::path::Path;

fn refused(path: &Path, spec: &Spec, words: &str) {
    let said = format!("{:#}", load(path, spec, &[]).unwrap_err());
    assert!(said.contains(words), "{said}");
}

#[test]
fn a_label_below_0_is_named_with_its_record() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.npz");
    let write = |classes: &[i8]| {
        let classes: Vec<u8> = classes.iter().map(|class| class.to_le_bytes()[0]).collect();
        npz(&path, &[("y", npy("|i1", &[classes.len()], &classes))]);
    };
    let label = |classes: usize| spec(&[("y", Space::Label, &[classes])]);
    write(&[2, 1, 0, 2, -1, 0, -1]);
    refused(&path, &label(3), "record 4 is of class `-1`, and the variable has 3 classes, 4 of them here");
    assert!(load(&path, &partly(label(3), &["y"]), &[]).is_ok());
    // Two classes may have such names.
    write(&[1, -1, 1, -1, -1]);
    assert!(load(&path, &label(2), &[]).is_ok());
}

#[test]
fn grey_levels_among_zeros_and_ones_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.npz");
    for shape in [vec![60], vec![60, 1, 1]] {
        let own = shape[1..].to_vec();
        let bits = spec(&[("b", Space::Binary, if own.is_empty() { &[1] } else { &own })]);
        let write = |odd: &[(usize, u8)]| {
            let mut levels: Vec<u8> = (0..60).map(|at| u8::from(at % 3 == 0)).collect();
            odd.iter().for_each(|&(at, level)| levels[at] = level);
            npz(&path, &[("b", npy("|u1", &shape, &levels))]);
        };
        write(&[(7, 200), (40, 3)]);
        refused(&path, &bits, "record 7 has the value 200 among zeros and ones");
        write(&[]);
        assert_eq!(values(&bits, &load(&path, &bits, &[]).unwrap(), "b")[&3], [1.0]);
        // Grey levels, of which some are 1.
        write(&(1..60).map(|at| (at, [1, 90, 130, 255][at % 4])).collect::<Vec<_>>());
        assert_eq!(values(&bits, &load(&path, &bits, &[]).unwrap(), "b")[&2], [1.0]);
    }
}

#[test]
fn infinite_and_missing_numbers_are_named_with_their_step() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.npz");
    let mut numbers: Vec<f32> = (0..60).map(|at| at as f32).collect();
    let mut write = |at: usize, number: f32| {
        let before = std::mem::replace(&mut numbers[at], number);
        npz(&path, &[("x", npy("<f4", &[10, 3, 2], &floats(numbers.iter().copied())))]);
        numbers[at] = before;
    };
    let flat = spec(&[("x", Space::Real, &[6])]);
    let mut steps = spec(&[("x", Space::Real, &[3, 2])]);
    steps.variables[0].steps = true;
    write(21, f32::INFINITY);
    refused(&path, &flat, "record 3 has the value inf; values must be finite");
    refused(&path, &steps, "record 3, step 2 has the value inf; values must be finite");
    write(35, f32::NAN);
    refused(&path, &steps, "record 5, step 3 has the value NaN; values must not be missing");
}

/// What lies behind a record's last step may be anything; what lies before may not.
#[test]
fn padding_is_not_looked_at() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.npz");
    let mut spec = spec(&[
        ("x", Space::Real, &[3, 1]),
        ("c", Space::Label, &[3, 2]),
        ("n", Space::Count, &[3, 1]),
        ("T", Space::Real, &[1]),
    ]);
    spec.variables.iter_mut().for_each(|variable| variable.steps = variable.name != "T");
    spec.variables[3].is_length = true;
    let lengths: Vec<u8> = (0..12).map(|record| 1 + record % 3).collect();
    let write = |within: f32| {
        let number = |own: f32, padding: f32| {
            let lengths = &lengths;
            floats((0..36).map(move |at| match () {
                () if at % 3 >= usize::from(lengths[at / 3]) => padding,
                () if at == 25 => own * within,
                () => own,
            }))
        };
        let arrays = [
            ("x", npy("<f4", &[12, 3, 1], &number(7.0, f32::NAN))),
            ("c", npy("<f4", &[12, 3], &number(1.0, -1.0))),
            ("n", npy("<f4", &[12, 3, 1], &number(4.0, -9.0))),
            ("T", npy("|u1", &[12], &lengths)),
        ];
        npz(&path, &arrays);
    };
    write(1.0);
    let data = load(&path, &spec, &[]).unwrap();
    for (name, wanted) in [("x", [7.0].as_slice()), ("c", &[0.0, 1.0]), ("n", &[4.0])] {
        for (record, own) in values(&spec, &data, name) {
            let there = own.chunks(wanted.len()).take(usize::from(lengths[record]));
            assert!(there.into_iter().all(|value| value == wanted), "{name}, record {record}: {own:?}");
            assert!(own.iter().all(|number| number.is_finite()), "{name}, record {record}: {own:?}");
        }
    }
    // A step of record 8, which has three.
    write(f32::NAN);
    refused(&path, &spec, "record 8, step 2 has the value NaN");
}

#[test]
fn data_without_any_variable_of_the_model_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.npz");
    let array = || npy("<f4", &[3, 2], &floats((0..6).map(|at| at as f32)));
    npz(&path, &[("other", array()), ("more", array())]);
    let two = partly(spec(&[("v", Space::Real, &[2]), ("y", Space::Label, &[3])]), &["v", "y"]);
    refused(&path, &two, "no field fills a variable of the model");
    refused(&path, &two, "the data set has `other` (");
    refused(&path, &two, "the model takes `v`, `y`");
}

#[test]
fn axes_are_those_of_the_variable_or_in_a_row() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.npz");
    let write = |shape: &[usize]| {
        let size: usize = shape.iter().product();
        npz(&path, &[("x", npy("<f4", shape, &floats((0..size).map(|at| at as f32))))]);
    };
    for (own, wanted) in
        [(&[4, 2, 3][..], &[6][..]), (&[4, 6], &[2, 3]), (&[4, 2, 1, 3], &[2, 3]), (&[4, 5, 2, 3], &[5, 6])]
    {
        write(own);
        let spec = spec(&[("x", Space::Real, wanted)]);
        let found = values(&spec, &load(&path, &spec, &[]).unwrap(), "x");
        let size: usize = wanted.iter().product();
        let first = size as f32;
        assert_eq!(found[&1], (0..size).map(|at| first + at as f32).collect::<Vec<_>>(), "{own:?}");
    }
    for (own, wanted) in [(&[4, 3, 2][..], &[2, 3][..]), (&[4, 6, 5], &[5, 6])] {
        write(own);
        refused(
            &path,
            &spec(&[("x", Space::Real, wanted)]),
            &format!("records have shape {:?}; expected {wanted:?}", &own[1..]),
        );
    }
}
