//! Conversion of values: binary by threshold or draw, standardised, and the values of the built-in data.

use super::missing;
use super::names::{floats, npy, npz, values};
use super::{source, spec};
use srvae::Device;
use srvae::data::{self, Batches, Binarise, Cells, Data, Source, Split};
use srvae::spec::Space;

#[test]
fn grey_levels_become_binary_by_threshold_or_by_a_draw() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("x.npy");
    let count = 400;
    let content: Vec<u8> = (0..count).flat_map(|_| [0u8, 64, 127, 128, 200, 255]).collect();
    std::fs::write(&path, npy("|u1", &[count, 2, 3], &content)).unwrap();
    let spec = spec(&[("x", Space::Binary, &[1, 2, 3])]);
    let load = |binarise, seed| {
        let source = Source { binarise, seed, ..source(&path) };
        values(&spec, &data::load(&source, &spec, Split::None).unwrap(), "x")
    };
    assert!(load(Binarise::Threshold, 0).values().all(|row| row == &[0.0, 0.0, 0.0, 1.0, 1.0, 1.0]));
    let drawn = load(Binarise::Stochastic, 0);
    for (pixel, level) in [0.0, 64.0, 127.0, 128.0, 200.0, 255.0].into_iter().enumerate() {
        let p = level / 255.0;
        let mean = drawn.values().map(|row| f64::from(row[pixel])).sum::<f64>() / f64::from(count as u32);
        // Five standard deviations.
        assert!((mean - p).abs() <= 5.0 * (p * (1.0 - p) / f64::from(count as u32)).sqrt(), "{pixel}: {mean}");
    }
    assert_eq!(drawn, load(Binarise::Stochastic, 0));
    assert_ne!(drawn, load(Binarise::Stochastic, 1));
}

/// Counts and digits of 16 levels are not grey levels up to 255: all of them would become 0.
#[test]
fn numbers_of_which_none_could_become_one_are_not_binary() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("x.npz");
    for shape in [vec![6], vec![1, 2, 3]] {
        let spec = spec(&[("x", Space::Binary, &shape)]);
        let sizes: Vec<usize> = std::iter::once(50).chain(shape.clone()).collect();
        for (largest, bytes) in [(2u8, true), (16, true), (127, false)] {
            let levels: Vec<u8> = (0..50).flat_map(|_| [0, 1, 0, 1, 1, largest]).collect();
            let array = match bytes {
                true => npy("|u1", &sizes, &levels),
                false => npy("<f4", &sizes, &floats(levels.iter().map(|level| f32::from(*level)))),
            };
            npz(&path, &[("x", array)]);
            let error = format!("{:#}", missing::load(&path, &spec, &[]).unwrap_err());
            assert!(error.contains(&format!("the largest number is {largest}, so as grey levels")), "{error}");
        }
    }
}

#[test]
fn a_number_of_steps_is_one_of_those_that_the_data_have() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("x.npz");
    let mut spec = spec(&[("x", Space::Real, &[3, 1]), ("T", Space::Real, &[1])]);
    spec.variables[0].steps = true;
    spec.variables[1].is_length = true;
    let load = |steps: f32| {
        let x = npy("<f4", &[20, 3, 1], &floats((0..60u8).map(f32::from)));
        npz(&path, &[("x", x), ("T", npy("<f4", &[20], &floats((0..20).map(|at| if at == 7 { steps } else { 3.0 }))))]);
        missing::load(&path, &spec, &[]).map(|_| ()).map_err(|error| format!("{error:#}"))
    };
    assert_eq!([load(1.0), load(3.0)], [Ok(()), Ok(())]);
    for wrong in [0.0, 2.5, 4.0] {
        let error = load(wrong).unwrap_err();
        let wanted = format!("record 7 has {wrong} as its number of steps; the data have 1 to 3 steps a record");
        assert!(error.contains(&wanted), "{error}");
    }
}

#[test]
fn standardized_columns_have_the_training_records_scale() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.csv");
    let text: String = (0..50).map(|at| format!("{},{},7\n", 1000 + at, (at * at) % 17)).collect();
    std::fs::write(&path, format!("a,b,c\n{text}")).unwrap();
    let spec = spec(&[("x", Space::Real, &[3])]);
    let plain = data::load(&source(&path), &spec, Split::Standard).unwrap();
    let source = Source { standardize: true, ..source(&path) };
    let scaled = data::load(&source, &spec, Split::Standard).unwrap();
    let rows = |data: &Data| {
        let batch = Batches::new(&spec, &data.train, &Device::Cpu).unwrap().range(&data.train, 0, 100).unwrap();
        batch.get("x").unwrap().to_vec2::<f32>().unwrap()
    };
    let (before, after) = (rows(&plain), rows(&scaled));
    let moments = |rows: &[Vec<f32>], at: usize| {
        let count = rows.len() as f64;
        let mean = rows.iter().map(|row| f64::from(row[at])).sum::<f64>() / count;
        (mean, (rows.iter().map(|row| (f64::from(row[at]) - mean).powi(2)).sum::<f64>() / count).sqrt())
    };
    let mut log_factor = 0.0;
    for at in 0..2 {
        let ((mean, deviation), (zero, one)) = (moments(&before, at), moments(&after, at));
        // A number near 1000 has an error of 6e-5 in f32, about 1e-5 standard deviations.
        assert!(zero.abs() < 1e-4 && (one - 1.0).abs() < 1e-4, "{zero} {one}");
        assert!((f64::from(after[3][at]) * deviation + mean - f64::from(before[3][at])).abs() < 1e-3);
        log_factor += deviation.ln();
    }
    // A constant column keeps its unit.
    assert_eq!((moments(&after, 2).0, plain.test.log_factor("x")), (0.0, 0.0));
    // The moments here are of values in f32, whose error of 1e-5 standard deviations is averaged over the records.
    assert!((scaled.test.log_factor("x") - log_factor).abs() < 1e-6);
    let again = data::load_kept(&source, &spec, scaled.kept.as_ref().unwrap()).unwrap();
    assert_eq!(rows(&again), after);
    let test = data::test(&source, &spec, scaled.kept.as_ref(), None).unwrap().1;
    assert!((test.log_factor("x") - log_factor).abs() < 1e-6);
}

#[test]
fn the_builtin_data_fill_every_space_with_views_of_one_class() {
    let spec = spec(&[
        ("x", Space::Image, &[3, 8, 8]),
        ("y", Space::Image, &[3, 8, 8]),
        ("digit", Space::Binary, &[64]),
        ("answers", Space::Binary, &[5]),
        ("numbers", Space::Real, &[4]),
        ("map", Space::Real, &[1, 8, 8]),
        ("c", Space::Label, &[10]),
    ]);
    let data = data::load(&Source::default(), &spec, Split::default()).unwrap();
    let batch = Batches::new(&spec, &data.train, &Device::Cpu).unwrap().range(&data.train, 0, 200).unwrap();
    let rows = |name: &str| -> Vec<Vec<f32>> { batch.get(name).unwrap().flatten_from(1).unwrap().to_vec2().unwrap() };
    assert_ne!(rows("x"), rows("y"));
    assert!(rows("digit").concat().iter().chain(&rows("answers").concat()).all(|&v| v == 0.0 || v == 1.0));
    assert!(rows("map").concat().iter().all(|&v| (0.0..1.0).contains(&v)));
    let numbers = rows("numbers").concat();
    let mean = numbers.iter().sum::<f32>() / numbers.len() as f32;
    let deviation = (numbers.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / numbers.len() as f32).sqrt();
    assert!(mean.abs() < 1.0 && (0.3..3.0).contains(&deviation), "{mean} {deviation}");
    // Records of a class have similar answers: the most frequent answers of a class are more frequent there than any
    // answer is overall.
    let (answers, classes) = (rows("answers"), rows("c"));
    let class = |row: &[f32]| row.iter().position(|&v| v == 1.0).unwrap();
    let of = |wanted: usize| {
        answers.iter().zip(&classes).filter(|(_, c)| class(c) == wanted).map(|(a, _)| a[0]).collect::<Vec<_>>()
    };
    for wanted in 0..10 {
        let own = of(wanted);
        let share = own.iter().sum::<f32>() / own.len() as f32;
        assert!(own.len() > 5 && !(0.35..=0.65).contains(&share), "{wanted}: {share} of {}", own.len());
    }
    assert!(matches!(data.train.column("numbers").unwrap().cells, Cells::Reals { .. }));
    assert!(data.train.len() > 1000 && data.kept.is_none());
}
