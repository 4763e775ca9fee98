//! Variables are filled by name, from every format.

use super::{folder, source, spec};
use srvae::Device;
use srvae::data::{self, Batches, Binarise, Cells, Data, Source, Split};
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

fn load(path: &Path, spec: &Spec, bind: &[(&str, &str)]) -> Data {
    let bind = bind.iter().map(|(name, what)| ((*name).to_owned(), (*what).to_owned())).collect();
    data::load(&Source { bind, ..source(path) }, spec, Split::None).unwrap()
}

/// Every record of all parts by its number in the data set: the values of one variable.
fn values(spec: &Spec, data: &Data, name: &str) -> BTreeMap<usize, Vec<f32>> {
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
    // The one array that can only be meant needs no binding.
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
    let text = "g0,g1,g2,kind,flag0,flag1\n1.5,2,-3,cat,0,1\n4,5e-1,6,dog,1,1\n7,8,9,cat,0,0\n0,0,0,ant,1,0\n";
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
    // Columns of the variable's name and numbers, and all columns where there are as many.
    std::fs::write(place.path().join("u.csv"), "x1,x2\n1,2\n3,4\n").unwrap();
    std::fs::write(place.path().join("w.csv"), "a,b\n1,2\n3,4\n").unwrap();
    let two = super::spec(&[("x", Space::Real, &[2])]);
    for file in ["u.csv", "w.csv"] {
        assert_eq!(values(&two, &load(&place.path().join(file), &two, &[]), "x")[&1], [3.0, 4.0], "{file}");
    }
}

#[test]
fn pictures_stand_beside_a_table_and_in_class_folders() {
    let place = tempfile::tempdir().unwrap();
    folder(&place.path().join("p"), &["cat/a.png", "cat/b.png", "dog/c.png", "owl/d.png"]);
    let spec = spec(&[("x", Space::Image, &[3, 24, 20]), ("c", Space::Label, &[3])]);
    let data = load(&place.path().join("p"), &spec, &[]);
    assert_eq!(data.kept.as_ref().unwrap().classes["c"], ["cat", "dog", "owl"]);
    let (x, c) = (values(&spec, &data, "x"), values(&spec, &data, "c"));
    let class = |record: usize| c[&record].iter().position(|&value| value == 1.0).unwrap();
    // The first pixel is the number of the picture.
    assert_eq!((0..4).map(|record| (x[&record][0] * 255.0).round() as usize).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!((0..4).map(class).collect::<Vec<_>>(), [0, 0, 1, 2]);
    std::fs::write(place.path().join("list.csv"), "file,age\np/dog/c.png,7\np/cat/a.png,3\n").unwrap();
    let both = super::spec(&[("x", Space::Image, &[3, 24, 20]), ("age", Space::Real, &[1])]);
    let data = load(&place.path().join("list.csv"), &both, &[]);
    assert_eq!((values(&both, &data, "age")[&0][0], values(&both, &data, "x")[&0][0] * 255.0), (7.0, 2.0));
    // A second folder, whose pictures belong to those of the same name.
    folder(&place.path().join("masks"), &["owl/d.png", "dog/c.png", "cat/b.png", "cat/a.png"]);
    let pair = super::spec(&[("x", Space::Image, &[3, 24, 20]), ("mask", Space::Image, &[1, 24, 20])]);
    let masks = place.path().join("masks").display().to_string();
    let data = load(&place.path().join("p"), &pair, &[("x", "pictures"), ("mask", &masks)]);
    let (x, mask) = (values(&pair, &data, "x"), values(&pair, &data, "mask"));
    // Picture n begins with red n, whose luma is 0.299 n; the masks run the other way round.
    let red: Vec<f32> = (0..4).map(|record| (x[&record][0] * 255.0).round()).collect();
    let luma: Vec<f32> = (0..4).map(|record| (mask[&record][0] * 255.0).round()).collect();
    assert_eq!((red, luma), (vec![0.0, 1.0, 2.0, 3.0], vec![1.0, 1.0, 0.0, 0.0]));
}

#[test]
fn mnist_safetensors_and_webdataset_are_read() {
    let place = tempfile::tempdir().unwrap();
    let idx = |axes: &[u32], content: &[u8]| {
        let sizes: Vec<u8> = axes.iter().flat_map(|size| size.to_be_bytes()).collect();
        [&[0, 0, 8, axes.len() as u8], sizes.as_slice(), content].concat()
    };
    let root = place.path().join("mnist");
    std::fs::create_dir(&root).unwrap();
    for (name, count) in [("train", 5u32), ("t10k", 2)] {
        let pixels: Vec<u8> = (0..count * 4).map(|at| at as u8 * 10).collect();
        let labels: Vec<u8> = (0..count).map(|at| at as u8).collect();
        let file = std::fs::File::create(root.join(format!("{name}-images-idx3-ubyte.gz"))).unwrap();
        let mut file = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        file.write_all(&idx(&[count, 2, 2], &pixels)).unwrap();
        file.finish().unwrap();
        std::fs::write(root.join(format!("{name}-labels-idx1-ubyte")), idx(&[count], &labels)).unwrap();
    }
    let digits = spec(&[("x", Space::Binary, &[1, 2, 2]), ("y", Space::Label, &[10])]);
    let data = load(&root, &digits, &[]);
    assert_eq!((data.train.len(), data.test.len()), (5, 2));
    // The last training picture has the levels 160 to 190.
    let records = &data.train;
    let batch = Batches::new(&digits, records, &Device::Cpu).unwrap().range(records, 0, 5).unwrap();
    let rows: Vec<Vec<f32>> = batch.get("x").unwrap().flatten_from(1).unwrap().to_vec2().unwrap();
    assert_eq!((0..5).find(|&at| records.number(at) == 4).map(|at| rows[at].clone()), Some(vec![1.0; 4]));

    let numbers = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![4, 2], &[0u8; 32]).unwrap();
    let bytes = safetensors::serialize([("x", numbers)], None).unwrap();
    std::fs::write(place.path().join("x.safetensors"), bytes).unwrap();
    let vector = spec(&[("x", Space::Real, &[2])]);
    assert_eq!(values(&vector, &load(&place.path().join("x.safetensors"), &vector, &[]), "x").len(), 4);

    let mut archive = tar::Builder::new(std::fs::File::create(place.path().join("w.tar")).unwrap());
    for number in 0..3u8 {
        let mut png = std::io::Cursor::new(Vec::new());
        image::RgbImage::from_pixel(4, 4, image::Rgb([number; 3])).write_to(&mut png, image::ImageFormat::Png).unwrap();
        for (ending, content) in [("png", png.into_inner()), ("cls", number.to_string().into_bytes())] {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            archive.append_data(&mut header, format!("{number:04}.{ending}"), content.as_slice()).unwrap();
        }
    }
    archive.finish().unwrap();
    drop(archive);
    let pictures = spec(&[("x", Space::Image, &[3, 4, 4]), ("c", Space::Label, &[3])]);
    let data = load(&place.path().join("w.tar"), &pictures, &[]);
    let (x, c) = (values(&pictures, &data, "x"), values(&pictures, &data, "c"));
    assert_eq!((x[&2][0] * 255.0, c[&2].as_slice()), (2.0, [0.0, 0.0, 1.0].as_slice()));
}

/// Floats from 0 to 1 and from 0 to 255, channels first and last, and single channels are told apart.
#[test]
fn images_come_in_every_range_and_layout() {
    let place = tempfile::tempdir().unwrap();
    let spec = spec(&[("x", Space::Image, &[3, 2, 1])]);
    // Of record r, channel c, row y the level is 40 r + 10 c + y.
    let level = |at: usize, order: [usize; 3]| {
        let (r, rest) = (at / 6, at % 6);
        let (c, y) = if order[2] == 3 { (rest % 3, rest / 3) } else { (rest / 2, rest % 2) };
        (40 * r + 10 * c + y) as f32
    };
    for (name, shape) in [("first", [3, 2, 1]), ("last", [2, 1, 3])] {
        for scale in [1.0, 255.0] {
            let content = floats((0..12).map(|at| level(at, shape) / scale));
            let path = place.path().join(format!("{name}{scale}.npy"));
            std::fs::write(&path, npy("<f4", &[&[2], shape.as_slice()].concat(), &content)).unwrap();
            let found = values(&spec, &load(&path, &spec, &[]), "x");
            let expected: Vec<f32> = (0..6).map(|at| level(6 + at, [3, 2, 1]) / 255.0).collect();
            assert_eq!(found[&1], expected, "{name} {scale}");
        }
    }
}

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
        // A number near 1000 is known to 6e-5 in f32, some 1e-5 of a deviation.
        assert!(zero.abs() < 1e-4 && (one - 1.0).abs() < 1e-4, "{zero} {one}");
        assert!((f64::from(after[3][at]) * deviation + mean - f64::from(before[3][at])).abs() < 1e-3);
        log_factor += deviation.ln();
    }
    // What does not vary keeps its unit.
    assert_eq!((moments(&after, 2).0, plain.test.log_factor("x")), (0.0, 0.0));
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
    // Records of a class answer alike: the most frequent answers are given more often than any answer is over all.
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
