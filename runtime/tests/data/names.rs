//! Variables are filled by name, from every format.

use super::{source, spec};
use srvae::Device;
use srvae::data::{self, Batches, Data, Source, Split};
use srvae::spec::{Space, Spec};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// A `.npy` file.
pub fn npy(descr: &str, shape: &[usize], content: &[u8]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size},")).collect();
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}\n");
    [b"\x93NUMPY\x01\x00", (header.len() as u16).to_le_bytes().as_slice(), header.as_bytes(), content].concat()
}

/// A `.npz` file of such files.
pub fn npz(path: &Path, arrays: &[(&str, Vec<u8>)]) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in arrays {
        archive.start_file(format!("{name}.npy"), stored).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap();
}

pub fn floats(numbers: impl IntoIterator<Item = f32>) -> Vec<u8> {
    numbers.into_iter().flat_map(f32::to_le_bytes).collect()
}

pub fn load(path: &Path, spec: &Spec, bind: &[(&str, &str)]) -> Data {
    let bind = bind.iter().map(|(name, what)| ((*name).to_owned(), (*what).to_owned())).collect();
    data::load(&Source { bind, ..source(path) }, spec, Split::None).unwrap()
}

/// The values of one variable for every record of all parts, by its number in the data set.
pub fn values(spec: &Spec, data: &Data, name: &str) -> BTreeMap<usize, Vec<f32>> {
    let mut found = BTreeMap::new();
    for records in [&data.train, &data.test] {
        let batch = Batches::new(spec, records, &Device::Cpu).unwrap().range(records, 0, records.len()).unwrap();
        let rows: Vec<Vec<f32>> = batch.get(name).unwrap().flatten_from(1).unwrap().to_vec2().unwrap();
        found.extend(rows.into_iter().enumerate().map(|(at, row)| (records.number(at), row)));
    }
    found
}

#[test]
fn labels_have_a_class_at_every_step_and_every_pixel() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("words.npz");
    let words: Vec<u8> = [[0i32, 2, 1], [3, 3, 0]].as_flattened().iter().flat_map(|word| word.to_le_bytes()).collect();
    let map = [[1u8, 0, 2, 2], [0, 0, 1, 2]];
    npz(&path, &[("w", npy("<i4", &[2, 3], &words)), ("m", npy("|u1", &[2, 2, 2], map.as_flattened()))]);
    let mut spec = spec(&[("w", Space::Label, &[3, 4]), ("m", Space::Label, &[3, 2, 2])]);
    spec.variables[0].steps = true;
    let data = load(&path, &spec, &[]);
    let (w, m) = (values(&spec, &data, "w"), values(&spec, &data, "m"));
    assert_eq!(w[&0], [1., 0., 0., 0., 0., 0., 1., 0., 0., 1., 0., 0.]);
    assert_eq!(w[&1], [0., 0., 0., 1., 0., 0., 0., 1., 1., 0., 0., 0.]);
    assert_eq!(m[&0], [0., 1., 0., 0., 1., 0., 0., 0., 0., 0., 1., 1.]);
    let mut fewer = spec.clone();
    fewer.variables[0].shape = vec![3, 3];
    let said = data::load(&source(&path), &fewer, Split::None).unwrap_err();
    assert!(format!("{said:#}").contains("record 1, place 0 has 3, and classes are 0 to 2"), "{said:#}");
}

#[test]
fn floats_on_the_grid_of_grey_levels_are_no_real_numbers() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("x.npz");
    let pictures =
        |noise: f32| floats((0..4 * 3 * 16 * 16).map(|at| (at * 7 % 256) as f32 / 255.0 + noise * (at % 3) as f32));
    let spec = spec(&[("x", Space::Real, &[3, 16, 16])]);
    npz(&path, &[("x", npy("<f4", &[4, 3, 16, 16], &pictures(0.0)))]);
    let said = data::load(&source(&path), &spec, Split::None).unwrap_err();
    assert!(format!("{said:#}").contains("`|> dequantise`"), "{said:#}");
    npz(&path, &[("x", npy("<f4", &[4, 3, 16, 16], &pictures(0.001)))]);
    load(&path, &spec, &[]);
}

#[test]
fn two_observed_variables_are_two_arrays() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("two.npz");
    let left: Vec<u8> = (0..6 * 4).collect();
    let right = floats((0..6 * 3).map(|at| at as f32 / 2.0));
    let classes: Vec<u8> = [2i64, 0, 1, 2, 1, 0].iter().flat_map(|class| class.to_le_bytes()).collect();
    npz(
        &path,
        &[
            ("left", npy("|u1", &[6, 2, 2], &left)),
            ("right", npy("<f4", &[6, 3], &right)),
            ("c", npy("<i8", &[6], &classes)),
        ],
    );
    let spec = spec(&[("left", Space::Image, &[1, 2, 2]), ("right", Space::Real, &[3]), ("c", Space::Label, &[3])]);
    let data = load(&path, &spec, &[]);
    let (left, right, c) = (values(&spec, &data, "left"), values(&spec, &data, "right"), values(&spec, &data, "c"));
    assert_eq!(left.len(), 6);
    for record in 0..6 {
        assert_eq!(left[&record], (0..4).map(|at| (record * 4 + at) as f32 / 255.0).collect::<Vec<_>>());
        assert_eq!(right[&record], (0..3).map(|at| (record * 3 + at) as f32 / 2.0).collect::<Vec<_>>());
    }
    assert_eq!((c[&0].as_slice(), c[&4].as_slice()), ([0.0, 0.0, 1.0].as_slice(), [0.0, 1.0, 0.0].as_slice()));
}

#[test]
fn arrays_of_other_names_are_bound_and_parts_are_taken_by_name() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("mnist.npz");
    let pixels = |count: usize, from: u8| {
        npy("|u1", &[count, 2, 2], &(0..count * 4).map(|at| from + at as u8).collect::<Vec<_>>())
    };
    let labels = |count: usize| npy("|u1", &[count], &(0..count).map(|at| (at % 10) as u8).collect::<Vec<_>>());
    // As Keras writes MNIST.
    npz(&path, &[("x_train", pixels(5, 0)), ("y_train", labels(5)), ("x_test", pixels(2, 100)), ("y_test", labels(2))]);
    let spec = spec(&[("picture", Space::Image, &[1, 2, 2]), ("digit", Space::Label, &[10])]);
    let data = load(&path, &spec, &[("picture", "x"), ("digit", "y")]);
    assert_eq!((data.train.len(), data.test.len(), data.test.label(1)), (5, 2, Some(1)));
    let mut first: Vec<u8> = (0..2).map(|index| data.test.picture(index)[0]).collect();
    first.sort_unstable();
    assert_eq!(first, [100, 104]);
    // An unambiguous array needs no binding.
    let one = super::spec(&[("v", Space::Real, &[3])]);
    std::fs::write(place.path().join("numbers.npy"), npy("<f4", &[4, 3], &floats((0..12).map(|at| at as f32))))
        .unwrap();
    let found = load(&place.path().join("numbers.npy"), &one, &[]);
    assert_eq!(values(&one, &found, "v")[&3], [9.0, 10.0, 11.0]);
    // A folder of arrays.
    std::fs::create_dir(place.path().join("apart")).unwrap();
    std::fs::copy(place.path().join("numbers.npy"), place.path().join("apart/v.npy")).unwrap();
    assert_eq!(values(&one, &load(&place.path().join("apart"), &one, &[]), "v")[&1], [3.0, 4.0, 5.0]);
}

#[test]
fn columns_of_a_table_fill_vectors_and_labels() {
    let place = tempfile::tempdir().unwrap();
    let text = "g0,g1,g2,kind,flag0,flag1\n1.5,2,-3, cat ,0,1\n4,5e-1,6,dog,1,1\n7,8,9,cat,0,0\n0,0,0,ant,1,0\n";
    std::fs::write(place.path().join("t.csv"), text).unwrap();
    let packed = std::fs::File::create(place.path().join("t.tsv.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
    packed.write_all(text.replace(',', "\t").as_bytes()).unwrap();
    packed.finish().unwrap();
    let spec = spec(&[("x", Space::Real, &[3]), ("kind", Space::Label, &[3]), ("flag", Space::Binary, &[2])]);
    for (file, bind) in [("t.csv", "g0..g2"), ("t.csv", "g0,g1,g2"), ("t.tsv.gz", "g0..g2")] {
        let data = load(&place.path().join(file), &spec, &[("x", bind)]);
        assert_eq!(values(&spec, &data, "x")[&1], [4.0, 0.5, 6.0]);
        // Classes by name, in alphabetical order.
        assert_eq!(values(&spec, &data, "kind")[&1], [0.0, 0.0, 1.0]);
        assert_eq!(values(&spec, &data, "flag")[&0], [0.0, 1.0]);
        assert_eq!(data.kept.unwrap().classes["kind"], ["ant", "cat", "dog"]);
    }
    // Columns with the variable's name and a number, or all columns if there are as many.
    std::fs::write(place.path().join("u.csv"), "x1,x2\n1,2\n3,4\n").unwrap();
    std::fs::write(place.path().join("w.csv"), "a,b\n1,2\n3,4\n").unwrap();
    let two = super::spec(&[("x", Space::Real, &[2])]);
    for file in ["u.csv", "w.csv"] {
        assert_eq!(values(&two, &load(&place.path().join(file), &two, &[]), "x")[&1], [3.0, 4.0], "{file}");
    }
}
