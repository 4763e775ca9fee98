//! Data on disk yield the same run as data in memory, bit for bit.

use crate::support::Place;
use srvae::arrays::{Array, Numbers, write_npz};
use std::fs;
use std::path::Path;

/// Sixty images of [3, 4, 4] with their classes.
fn pixels() -> Vec<u8> {
    (0..60 * 48usize).map(|at| (at * 37 % 211) as u8).collect()
}

fn npy(path: &Path) {
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (60, 3, 4, 4), }";
    let head = [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
    fs::write(path, [head, pixels()].concat()).unwrap();
}

fn safetensors(path: &Path) {
    let header = r#"{"labels":{"dtype":"U8","shape":[60],"data_offsets":[0,60]},"x":{"dtype":"U8","shape":[60,3,4,4],"data_offsets":[60,2940]}}"#;
    let classes = (0..60).map(|at| at % 10).collect();
    fs::write(path, [(header.len() as u64).to_le_bytes().to_vec(), header.into(), classes, pixels()].concat()).unwrap();
}

fn idx(folder: &Path) {
    fs::create_dir(folder).unwrap();
    for (name, from) in [("train-images-idx3-ubyte", 0), ("t10k-images-idx3-ubyte", 30)] {
        let head = [[0, 0, 8, 3], [0, 0, 0, 30], [0, 0, 0, 12], [0, 0, 0, 4]].concat();
        fs::write(folder.join(name), [head, pixels()[from * 48..(from + 30) * 48].to_vec()].concat()).unwrap();
    }
}

fn npz(path: &Path) {
    let values = Numbers::F32(pixels().into_iter().map(f32::from).collect());
    write_npz(path, &[Array { name: "x".into(), shape: vec![60, 3, 4, 4], values }]).unwrap();
}

fn pictures(folder: &Path) {
    fs::create_dir(folder).unwrap();
    for (number, pixels) in pixels().chunks(48).enumerate() {
        let at = |channel: usize, x: u32, y: u32| pixels[16 * channel + (4 * y + x) as usize];
        let paint = |x: u32, y: u32| image::Rgb([at(0, x, y), at(1, x, y), at(2, x, y)]);
        image::RgbImage::from_fn(4, 4, paint).save(folder.join(format!("{number:02}.png"))).unwrap();
    }
}

#[test]
fn a_run_over_data_on_disk_is_the_run_over_data_in_memory() {
    let place = Place::new();
    npy(&place.path("a.npy"));
    safetensors(&place.path("b.safetensors"));
    idx(&place.path("c"));
    npz(&place.path("d.npz"));
    pictures(&place.path("e"));
    for name in ["a.npy", "b.safetensors", "c", "d.npz", "e"] {
        let last = |run: &str| fs::read(place.path(run).join("checkpoints/last.safetensors")).unwrap();
        let train = |run: &str, more: &str| {
            let said = place.run(&format!("train toy.pgm --data {name} --batch 8 --steps 9 {more} --out {run}"));
            assert_eq!(said.code, 0, "{name}: {}", said.err);
        };
        train("memory", "");
        train("disk", "--stream-above 0");
        assert!(last("memory") == last("disk"), "{name}");

        let split = |run: &str| fs::read_to_string(place.path(run).join("split.json")).unwrap();
        let division = |run: &str| split(run).split("\"division\"").nth(1).map(str::to_owned);
        assert_eq!(division("memory"), division("disk"), "{name}");
        let [a, b] = ["", "--stream-above 0"].map(|more| place.json(&format!("eval memory --k 2 {more}")));
        assert_eq!(a["nll"], b["nll"], "{name}");
    }
}

#[test]
fn what_cannot_be_read_record_by_record_says_so() {
    let place = Place::new();
    let header = "{'descr': '|u1', 'fortran_order': True, 'shape': (60, 3, 4, 4), }";
    let head = [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
    fs::write(place.path("f.npy"), [head, pixels()].concat()).unwrap();
    npy(&place.path("g.npy"));
    let length = fs::metadata(place.path("g.npy")).unwrap().len();
    fs::OpenOptions::new().write(true).open(place.path("g.npy")).unwrap().set_len(length - 1).unwrap();
    let file = fs::File::create(place.path("h.npz")).unwrap();
    let mut archive = zip::ZipWriter::new(file);
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    archive.start_file("x.npy", options).unwrap();
    std::io::Write::write_all(&mut archive, b"no array").unwrap();
    archive.finish().unwrap();
    for (name, words) in [
        ("f.npy", ["f.npy", "numpy.ascontiguousarray"]),
        ("g.npy", ["g.npy", "cut short"]),
        ("h.npz", ["h.npz", "array `x`"]),
    ] {
        place.fails(&format!("train toy.pgm --data {name} --steps 2 --stream-above 0"), &words);
    }
}
