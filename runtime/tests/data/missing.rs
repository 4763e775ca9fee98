//! Missing values: allowed for partly observed variables, errors for others.

use super::names::{floats, npy, npz};
use super::{source, spec};
use srvae::Device;
use srvae::data::{self, Batches, Cells, Data, Records, Source, Split};
use srvae::spec::{Role, Space, Spec};
use std::path::Path;

/// The same model, where some records lack these variables.
pub fn partly(spec: Spec, names: &[&str]) -> Spec {
    let mut spec = spec;
    let variables = spec.variables.iter_mut().filter(|variable| names.contains(&variable.name.as_str()));
    variables.for_each(|variable| variable.role = Role::Partly);
    spec
}

pub fn load(path: &Path, spec: &Spec, bind: &[(&str, &str)]) -> anyhow::Result<Data> {
    let bind = bind.iter().map(|(name, what)| ((*name).to_owned(), (*what).to_owned())).collect();
    data::load(&Source { bind, ..source(path) }, spec, Split::None)
}

/// The values of each record by its number, if it has them.
pub fn found(spec: &Spec, data: &Data, name: &str) -> Vec<Option<Vec<f32>>> {
    let mut all = Vec::new();
    for records in [&data.train, &data.test] {
        let batch = Batches::new(spec, records, &Device::Cpu).unwrap().range(records, 0, records.len()).unwrap();
        let rows: Vec<Vec<f32>> = batch.get(name).unwrap().flatten_from(1).unwrap().to_vec2().unwrap();
        let present: Vec<f32> = batch.get(&format!("{name}?")).unwrap().to_vec1().unwrap();
        let each = rows.into_iter().zip(present).enumerate();
        all.extend(each.map(|(at, (row, present))| (records.number(at), (present == 1.0).then_some(row))));
    }
    all.sort_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, row)| row).collect()
}

fn class(row: Option<&Vec<f32>>) -> Option<usize> {
    row.map(|row| row.iter().position(|&number| number == 1.0).unwrap())
}

#[test]
fn cells_that_are_empty_are_missing_of_what_is_partly_observed_and_else_an_error() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.csv");
    std::fs::write(&path, "a,b,y\n1,2,cat\n3,,dog\n5,6,\nNA,nan,NA\n7,8,cat\n").unwrap();
    let spec = spec(&[("v", Space::Real, &[2]), ("y", Space::Label, &[2])]);
    let both = partly(spec.clone(), &["v", "y"]);
    let data = load(&path, &both, &[("v", "a,b")]).unwrap();
    let v = found(&both, &data, "v");
    assert_eq!(v, [Some(vec![1.0, 2.0]), None, Some(vec![5.0, 6.0]), None, Some(vec![7.0, 8.0])]);
    let y: Vec<_> = found(&both, &data, "y").iter().map(|row| class(row.as_ref())).collect();
    assert_eq!(y, [Some(0), Some(1), None, None, Some(0)]);
    for (names, words) in [(&["v"][..], "line 4: the class is missing"), (&["y"], ": the value is missing (`")] {
        let said = format!("{:#}", load(&path, &partly(spec.clone(), names), &[("v", "a,b")]).unwrap_err());
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn numbers_say_what_is_missing_and_so_does_an_array_of_its_own() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.npz");
    let v = floats([1.0, 2.0, f32::NAN, f32::NAN, 5.0, f32::NAN, 7.0, 8.0, 9.0, 10.0]);
    let y: Vec<u8> = [2i64, -1, 0, 1, -1].iter().flat_map(|class| class.to_le_bytes()).collect();
    let t = floats([1.0, 0.0, f32::NAN, f32::NAN, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
    npz(
        &path,
        &[
            ("v", npy("<f4", &[5, 2], &v)),
            ("y", npy("<i8", &[5], &y)),
            ("t", npy("<f4", &[5, 2], &t)),
            ("v?", npy("|u1", &[5], &[1, 1, 1, 1, 0])),
            ("seen", npy("|u1", &[5], &[0, 1, 1, 1, 1])),
        ],
    );
    let spec = partly(
        spec(&[("v", Space::Real, &[2]), ("y", Space::Label, &[3]), ("t", Space::Binary, &[2])]),
        &["v", "y", "t"],
    );
    let data = load(&path, &spec, &[]).unwrap();
    // The third record has only some of its numbers; the last is missing according to the additional array.
    let there = |name: &str, data: &Data| found(&spec, data, name).iter().map(Option::is_some).collect::<Vec<_>>();
    assert_eq!(there("v", &data), [true, false, false, true, false]);
    assert_eq!(there("t", &data), [true, false, true, true, true]);
    let y: Vec<_> = found(&spec, &data, "y").iter().map(|row| class(row.as_ref())).collect();
    assert_eq!(y, [Some(2), None, Some(0), Some(1), None]);
    assert_eq!(found(&spec, &data, "t")[3], Some(vec![1.0, 1.0]));
    let data = load(&path, &spec, &[("y?", "seen")]).unwrap();
    assert_eq!(there("y", &data), [false, false, true, true, false]);
    for (bind, words) in [("nothing", "there is no `nothing`"), ("y", "expected 1 where a record has the variable")] {
        let said = format!("{:#}", load(&path, &spec, &[("y?", bind)]).unwrap_err());
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_variable_without_data_is_missing_in_every_record() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.npz");
    npz(&path, &[("x", npy("<f4", &[3, 2], &floats((0..6).map(|at| at as f32))))]);
    let all = spec(&[("x", Space::Real, &[2]), ("y", Space::Label, &[3]), ("w", Space::Image, &[1, 2, 2])]);
    let both = partly(all.clone(), &["y", "w"]);
    let data = load(&path, &both, &[]).unwrap();
    assert_eq!(found(&both, &data, "y"), [None, None, None]);
    assert_eq!(found(&both, &data, "w"), [None, None, None]);
    let said = format!("{:#}", load(&path, &partly(all, &["w"]), &[]).unwrap_err());
    assert!(said.contains("variable `y`, a label, has no data"), "{said}");
}

#[test]
fn scales_are_those_of_what_is_there() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.csv");
    let rows = (0..40).map(|at| if at % 4 == 1 { "NA\n".to_owned() } else { format!("{}\n", 100 + at) });
    std::fs::write(&path, format!("v\n{}", rows.collect::<String>())).unwrap();
    let spec = partly(spec(&[("v", Space::Real, &[1])]), &["v"]);
    let source = Source { standardize: true, ..source(&path) };
    let data = data::load(&source, &spec, Split::None).unwrap();
    let records = &data.train;
    let Cells::Reals { numbers, .. } = &records.column("v").unwrap().cells else { panic!("no numbers") };
    let there: Vec<f64> =
        numbers.iter().enumerate().filter(|(at, _)| records.has("v", *at)).map(|(_, v)| f64::from(*v)).collect();
    let mean = there.iter().sum::<f64>() / there.len() as f64;
    let variance = there.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / there.len() as f64;
    // Numbers near 100 have an error of 4e-6 in f32, and the standard deviation is 12.
    assert!(there.len() < records.len() && mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4, "{mean} {variance}");
}

#[test]
fn labels_are_hidden_in_equal_parts_of_the_training_records() {
    let digits = partly(spec(&[("x", Space::Binary, &[1, 28, 28]), ("y", Space::Label, &[10])]), &["y"]);
    let source = Source { labelled: Some(0.1), ..Source::default() };
    let data = data::load(&source, &digits, Split::default()).unwrap();
    let classes = |records: &Records| -> Vec<usize> {
        let Cells::Classes(classes) = records.column("y").unwrap().cells.clone() else { panic!("no classes") };
        classes
    };
    let all = classes(&data.train);
    for class in 0..10 {
        let own: Vec<usize> = (0..all.len()).filter(|&at| all[at] == class).collect();
        let kept = own.iter().filter(|&&at| data.train.has("y", at)).count();
        assert_eq!(kept, ((own.len() as f64) * 0.1).round() as usize, "class {class}");
    }
    assert!((0..data.test.len()).all(|at| data.test.has("y", at)));
    let again = Source::parse(&source.text()).unwrap();
    assert_eq!(again, source);
    let again = data::load(&again, &digits, Split::default()).unwrap();
    assert_eq!(again.train.present("y"), data.train.present("y"));
    let other = data::load(&Source { seed: 1, ..source.clone() }, &digits, Split::default()).unwrap();
    assert_ne!(other.train.present("y"), data.train.present("y"));
    let whole = spec(&[("x", Space::Binary, &[1, 28, 28]), ("y", Space::Label, &[10])]);
    let said = data::load(&source, &whole, Split::default()).unwrap_err().to_string();
    assert!(said.contains("--labelled 0.1: the model observes every variable"), "{said}");
}

/// A family over the length: a step is missing if its numbers are NaN, or if its presence is 0.
#[test]
fn steps_of_a_sequence_are_missing_one_by_one() {
    let place = tempfile::tempdir().unwrap();
    let nan = f32::NAN;
    let x = [1.0, 2.0, nan, 4.0, nan, nan, 7.0, 8.0, 9.0];
    let read = |says: Option<(&[usize], &[f32])>| {
        let mut arrays = vec![("x", npy("<f4", &[3, 3, 1], &floats(x)))];
        arrays.extend(says.map(|(shape, says)| ("x?", npy("<f4", shape, &floats(says.iter().copied())))));
        let path = place.path().join("x.npz");
        npz(&path, &arrays);
        let mut spec = partly(spec(&[("x", Space::Real, &[3, 1])]), &["x"]);
        spec.variables.iter_mut().for_each(|variable| variable.steps = true);
        let data = load(&path, &spec, &[])?;
        let mut all = Vec::new();
        for records in [&data.train, &data.test] {
            let batch = Batches::new(&spec, records, &Device::Cpu).unwrap().range(records, 0, records.len()).unwrap();
            let values: Vec<Vec<f32>> = batch.get("x").unwrap().flatten_from(1).unwrap().to_vec2().unwrap();
            let present: Vec<Vec<f32>> = batch.get("x?").unwrap().to_vec2().unwrap();
            all.extend(values.into_iter().zip(present).enumerate().map(|(at, both)| (records.number(at), both)));
        }
        all.sort_by_key(|(number, _)| *number);
        let of = |(values, present): (Vec<f32>, Vec<f32>)| -> Vec<Option<f32>> {
            assert!(values.iter().all(|value| value.is_finite()), "{values:?}");
            values.into_iter().zip(present).map(|(value, present)| (present == 1.0).then_some(value)).collect()
        };
        anyhow::Ok(all.into_iter().map(|(_, both)| of(both)).collect::<Vec<_>>())
    };
    let all = [vec![Some(1.0), Some(2.0), None], vec![Some(4.0), None, None], vec![Some(7.0), Some(8.0), Some(9.0)]];
    assert_eq!(read(None).unwrap(), all);
    let [first, second, _] = all.clone();
    assert_eq!(read(Some((&[3], &[1.0, 1.0, 0.0]))).unwrap(), [first, second, vec![None; 3]]);
    let by_step = read(Some((&[3, 3], &[0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0]))).unwrap();
    assert_eq!(by_step, [vec![None, Some(2.0), None], vec![Some(4.0), None, None], vec![Some(7.0), None, Some(9.0)]]);
    let said = format!("{:#}", read(Some((&[3, 3], &[0.5; 9]))).unwrap_err());
    assert!(said.contains("`x?` is 0.5 at step 1"), "{said}");
}
