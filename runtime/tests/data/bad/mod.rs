//! Bad input, kind by kind: each is one error that says what, where, and what is wanted.

use super::names::{floats, npy, npz};
use super::{folder, source, spec};
use srvae::data::{self, Source, Split};
use srvae::spec::{Space, Spec};
use std::io::Write;
use std::path::Path;

/// A name, what to write into a new folder, the data's path in it, the model's variables, `--bind`, words of the message.
struct Case {
    name: &'static str,
    make: fn(&Path),
    path: &'static str,
    variables: &'static [(&'static str, Space, &'static [usize])],
    bind: &'static [(&'static str, &'static str)],
    words: &'static [&'static str],
}

const VECTOR: &[(&str, Space, &[usize])] = &[("x", Space::Real, &[2])];
const COUNTS: &[(&str, Space, &[usize])] = &[("x", Space::Count, &[2])];
const POSITIVE: &[(&str, Space, &[usize])] = &[("x", Space::Positive, &[2])];
const UNIT: &[(&str, Space, &[usize])] = &[("x", Space::Unit, &[2])];
const PARTS: &[(&str, Space, &[usize])] = &[("x", Space::Simplex, &[2])];
const IMAGE: &[(&str, Space, &[usize])] = &[("x", Space::Image, &[3, 4, 4])];
const GREY: &[(&str, Space, &[usize])] = &[("x", Space::Image, &[1, 2, 2])];
const BITS: &[(&str, Space, &[usize])] = &[("x", Space::Binary, &[4])];
const LABEL: &[(&str, Space, &[usize])] = &[("c", Space::Label, &[3])];
const PAIR: &[(&str, Space, &[usize])] = &[("x", Space::Image, &[3, 4, 4]), ("y", Space::Image, &[3, 4, 4])];

fn text(folder: &Path, name: &str, content: &str) {
    std::fs::write(folder.join(name), content).unwrap();
}

fn bytes(folder: &Path, name: &str, content: &[u8]) {
    std::fs::write(folder.join(name), content).unwrap();
}

fn array(folder: &Path, shape: &[usize], numbers: &[f32]) {
    bytes(folder, "a.npy", &npy("<f4", shape, &floats(numbers.iter().copied())));
}

fn tar(folder: &Path, members: &[(&str, &[u8])]) {
    let mut archive = ::tar::Builder::new(std::fs::File::create(folder.join("a.tar")).unwrap());
    for (name, content) in members {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, name, *content).unwrap();
    }
    archive.finish().unwrap();
}

fn png(side: u32) -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(side, side).write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

fn jpeg() -> Vec<u8> {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_fn(32, 32, |x, y| image::Rgb([x as u8 * 8, y as u8 * 8, 0]))
        .write_to(&mut jpeg, image::ImageFormat::Jpeg)
        .unwrap();
    jpeg.into_inner()
}

fn safetensors(folder: &Path, dtype: ::safetensors::Dtype, shape: Vec<usize>, content: &[u8]) {
    let view = ::safetensors::tensor::TensorView::new(dtype, shape, content).unwrap();
    bytes(folder, "a.safetensors", &::safetensors::serialize([("x", view)], None).unwrap());
}

fn idx(kind: u8, axes: &[u32], content: &[u8]) -> Vec<u8> {
    let sizes: Vec<u8> = axes.iter().flat_map(|size| size.to_be_bytes()).collect();
    [&[0, 0, kind, axes.len() as u8], sizes.as_slice(), content].concat()
}

macro_rules! case {
    ($name:literal, $path:literal, $variables:expr, [$($word:literal),*], $make:expr) => {
        Case { name: $name, make: $make, path: $path, variables: $variables, bind: &[], words: &[$($word),*] }
    };
    ($name:literal, $path:literal, $variables:expr, bind $bind:expr, [$($word:literal),*], $make:expr) => {
        Case { name: $name, make: $make, path: $path, variables: $variables, bind: $bind, words: &[$($word),*] }
    };
}

// Behind the macro, which they use.
mod arrays;
mod files;
mod places;

use arrays::ARRAYS;
use files::{PUBLISHED, TABLES};
use places::{BINDING, PLACES};

#[test]
fn every_kind_of_bad_input_has_its_message() {
    let all: Vec<&Case> = [PLACES, BINDING, ARRAYS, TABLES, PUBLISHED].into_iter().flatten().collect();
    assert!(all.len() >= 80, "{}", all.len());
    let mut wrong = Vec::new();
    for case in all {
        let place = tempfile::tempdir().unwrap();
        (case.make)(place.path());
        let own = |what: &str| {
            let path = place.path().join(what);
            if path.is_dir() { path.display().to_string() } else { what.to_owned() }
        };
        let bind = case.bind.iter().map(|(name, what)| ((*name).to_owned(), own(what))).collect();
        let spec: Spec = spec(case.variables);
        let source = Source { bind, ..source(&place.path().join(case.path)) };
        match data::load(&source, &spec, Split::Standard) {
            Ok(_) => wrong.push(format!("{}: accepted", case.name)),
            Err(error) => {
                let said = format!("{error:#}");
                let missing = case.words.iter().filter(|word| !said.contains(**word));
                wrong.extend(missing.map(|word| format!("{}: `{word}` is not in: {said}", case.name)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The same for what stands behind `--bind`, `--split` and `--crop` themselves.
#[test]
fn options_that_are_none_say_what_is_wanted() {
    for text in ["x", "x=", "=a", ""] {
        let error = format!("{:#}", data::parse_bind(text).unwrap_err());
        assert!(error.contains("expected NAME=WHAT"), "{error}");
    }
    assert_eq!(data::parse_bind("x = g0..g3").unwrap(), ("x".to_owned(), "g0..g3".to_owned()));
    let error = "half".parse::<Split>().unwrap_err().to_string();
    assert!(error.contains("known are standard, hoogeboom, authors and none, or the fraction"), "{error}");
}
