//! Images in folders and archives, in every range and layout.

use super::names::{floats, load, npy, values};
use super::{folder, spec};
use srvae::Device;
use srvae::data::Batches;
use srvae::spec::Space;
use std::io::Write;

#[test]
fn pictures_stand_beside_a_table_and_in_class_folders() {
    let place = tempfile::tempdir().unwrap();
    folder(&place.path().join("p"), &["cat/a.png", "cat/b.png", "dog/c.png", "owl/d.png"]);
    let spec = spec(&[("x", Space::Image, &[3, 24, 20]), ("c", Space::Label, &[3])]);
    let data = load(&place.path().join("p"), &spec, &[]);
    assert_eq!(data.kept.as_ref().unwrap().classes["c"], ["cat", "dog", "owl"]);
    let (x, c) = (values(&spec, &data, "x"), values(&spec, &data, "c"));
    let class = |record: usize| c[&record].iter().position(|&value| value == 1.0).unwrap();
    // The first pixel is the number of the image.
    assert_eq!((0..4).map(|record| (x[&record][0] * 255.0).round() as usize).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!((0..4).map(class).collect::<Vec<_>>(), [0, 0, 1, 2]);
    std::fs::write(place.path().join("list.csv"), "file,age\np/dog/c.png,7\np/cat/a.png,3\n").unwrap();
    let both = super::spec(&[("x", Space::Image, &[3, 24, 20]), ("age", Space::Real, &[1])]);
    let data = load(&place.path().join("list.csv"), &both, &[]);
    assert_eq!((values(&both, &data, "age")[&0][0], values(&both, &data, "x")[&0][0] * 255.0), (7.0, 2.0));
    // A second folder, whose images belong to those with the same name.
    folder(&place.path().join("masks"), &["owl/d.png", "dog/c.png", "cat/b.png", "cat/a.png"]);
    let pair = super::spec(&[("x", Space::Image, &[3, 24, 20]), ("mask", Space::Image, &[1, 24, 20])]);
    let masks = place.path().join("masks").display().to_string();
    let data = load(&place.path().join("p"), &pair, &[("x", "pictures"), ("mask", &masks)]);
    let (x, mask) = (values(&pair, &data, "x"), values(&pair, &data, "mask"));
    // Image n begins with red n, whose luma is 0.299 n; the masks are in reverse order.
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
        let file = std::fs::File::create(root.join(format!("x-{name}-images-idx3-ubyte.gz"))).unwrap();
        let mut file = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        file.write_all(&idx(&[count, 2, 2], &pixels)).unwrap();
        file.finish().unwrap();
        // Before the images in the order of names.
        std::fs::write(root.join(format!("a-{name}-labels-idx1-ubyte")), idx(&[count], &labels)).unwrap();
    }
    let digits = spec(&[("x", Space::Binary, &[1, 2, 2]), ("y", Space::Label, &[10])]);
    let data = load(&root, &digits, &[]);
    assert_eq!((data.train.len(), data.test.len()), (5, 2));
    // The last training image has the levels 160 to 190.
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
    let mut add = |name: String, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, name, content).unwrap();
    };
    // A hidden file is no record, and a point in a folder's name ends no record's name.
    add("set.v1/.png".to_owned(), b"hidden");
    for number in 0..3u8 {
        let mut png = std::io::Cursor::new(Vec::new());
        image::RgbImage::from_pixel(4, 4, image::Rgb([number; 3])).write_to(&mut png, image::ImageFormat::Png).unwrap();
        add(format!("set.v1/{number:04}.PNG"), &png.into_inner());
        add(format!("set.v1/{number:04}.cls"), number.to_string().as_bytes());
    }
    archive.finish().unwrap();
    drop(archive);
    let pictures = spec(&[("x", Space::Image, &[3, 4, 4]), ("c", Space::Label, &[3])]);
    let data = load(&place.path().join("w.tar"), &pictures, &[]);
    let (x, c) = (values(&pictures, &data, "x"), values(&pictures, &data, "c"));
    assert_eq!((x[&2][0] * 255.0, c[&2].as_slice()), (2.0, [0.0, 0.0, 1.0].as_slice()));
}

/// Floats from 0 to 1 and from 0 to 255, channels first and last, and single channels are distinguished.
#[test]
fn images_come_in_every_range_and_layout() {
    let place = tempfile::tempdir().unwrap();
    let spec = spec(&[("x", Space::Image, &[3, 2, 1])]);
    // Record r, channel c, row y has the level 40 r + 10 c + y.
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
