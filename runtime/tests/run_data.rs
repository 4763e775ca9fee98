//! Data sets: reading, draws of records, and messages for damaged files.

#[path = "data/bad/mod.rs"]
mod bad;
#[path = "data/families.rs"]
mod families;
#[path = "data/films.rs"]
mod films;
#[path = "data/large.rs"]
mod large;
#[path = "data/missing.rs"]
mod missing;
#[path = "data/names.rs"]
mod names;
#[path = "data/numbers.rs"]
mod numbers;
#[path = "data/odd.rs"]
mod odd;
#[path = "data/parquet.rs"]
mod parquet;
#[path = "data/parts.rs"]
mod parts;
#[path = "data/pictures.rs"]
mod pictures;
#[path = "data/scales.rs"]
mod scales;
mod toy;
#[path = "data/values.rs"]
mod values;

use srvae::data::{self, Augment, Images, Source, Split};
use srvae::picture;
use srvae::spec::{Role, Space, Spec, Variable};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

#[test]
fn the_builtin_pictures_differ_from_each_other_and_never_change() {
    let data = data::load(&Source::default(), &image([3, 32, 32]), Split::default()).unwrap();
    let again = data::load(&Source::default(), &image([3, 32, 32]), Split::default()).unwrap();
    assert_eq!(data.train.picture(17), again.train.picture(17));
    let mut pictures: Vec<&[u8]> = (0..data.train.len()).map(|index| data.train.picture(index)).collect();
    pictures.sort_unstable();
    pictures.dedup();
    assert_eq!(pictures.len(), data.train.len());
    if let Ok(path) = std::env::var("SRVAE_BUILTIN_GRID") {
        let grid: Vec<_> = (0..200)
            .map(|index| {
                let picture = data.train.picture(index);
                image::RgbImage::from_fn(32, 32, |x, y| {
                    image::Rgb([0, 1, 2].map(|c| picture[c * 1024 + (y * 32 + x) as usize]))
                })
            })
            .map(|small| picture::enlarge(&small, 2))
            .collect();
        let rows: Vec<_> = (0..10).map(|kind| grid.iter().skip(kind).step_by(10).cloned().collect()).collect();
        picture::save(&picture::rows(&rows), Path::new(&path)).unwrap();
    }
}

/// Pixel `at` of image `index` in the fixtures, as computed by their script.
fn pixel(index: usize, at: usize, side: usize) -> u8 {
    let (c, y, x) = (at / (side * side), at / side % side, at % side);
    ((7 * index + 31 * c + 5 * y + 3 * x) % 256) as u8
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/data").join(name)
}

pub fn source(path: &Path) -> Source {
    Source::of(path)
}

/// A model whose data are these variables.
pub fn spec(variables: &[(&str, Space, &[usize])]) -> Spec {
    let variable = |&(name, space, shape): &(&str, Space, &[usize])| Variable::new(name, Role::Observed, space, shape);
    Spec { variables: variables.iter().map(variable).collect(), ..toy::spec() }
}

/// A model of images and their classes.
pub fn image(shape: [usize; 3]) -> Spec {
    spec(&[("x", Space::Image, &shape)])
}

fn is_picture(images: &Images, at: usize, index: usize, side: usize) -> bool {
    images.picture(at).iter().enumerate().all(|(place, &byte)| byte == pixel(index, place, side))
}

#[test]
fn pickled_and_npz_batches_hold_what_the_binary_form_would() {
    for (folder, trained, tests, name) in
        [("cifar", 4, 4, "CIFAR-10"), ("imagenet_python", 4, 4, "ImageNet32"), ("imagenet_npz", 2, 4, "ImageNet32")]
    {
        let spec = spec(&[("x", Space::Image, &[3, 32, 32]), ("c", Space::Label, &[10])]);
        let data = data::load(&source(&fixture(folder)), &spec, Split::None).unwrap();
        assert_eq!((data.name.as_str(), data.train.len(), data.test.len()), (name, trained, 2), "{folder}");
        for index in 0..trained {
            assert!(is_picture(&data.train, index, index, 32), "{folder} {index}");
            assert_eq!(data.train.label(index), Some(index % 10), "{folder} {index}");
        }
        assert!(is_picture(&data.test, 1, tests + 1, 32) && data.test.label(1) == Some((tests + 1) % 10));
        let (again, test) = data::test(&source(&fixture(folder)), &spec, None, None).unwrap();
        assert!(again == name && test.len() == 2 && is_picture(&test, 0, tests, 32));
    }
    // One file of arrays, colours last: all of it for testing, or a tenth.
    let path = source(&fixture("interleaved.npz"));
    let (name, test) = data::test(&path, &image([3, 8, 8]), None, None).unwrap();
    assert!(name == "interleaved" && (0..4).all(|index| is_picture(&test, index, index, 8)));
    assert_eq!(data::load(&path, &image([3, 8, 8]), Split::None).unwrap().test.len(), 1);
}

#[test]
fn the_python_archive_is_read_as_its_folder() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("cifar-10-python.tar.gz");
    let zipped = flate2::write::GzEncoder::new(std::fs::File::create(&path).unwrap(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(zipped);
    archive.append_dir_all("cifar-10-batches-py", fixture("cifar")).unwrap();
    archive.into_inner().unwrap().finish().unwrap();
    let (whole, folder) = (source(&path), source(&fixture("cifar")));
    let [a, b] = [whole, folder].map(|source| data::load(&source, &image([3, 32, 32]), Split::None).unwrap());
    assert!((0..4).all(|index| a.train.picture(index) == b.train.picture(index)));
    assert_eq!((a.name, a.test.len()), (b.name, b.test.len()));
}

/// A folder, a file in it, the damage, and words of the message.
type Case<'a> = (&'a str, &'a str, &'a dyn Fn(Vec<u8>) -> Vec<u8>, &'a [&'a str]);

/// Each kind of damage is one error that names the file, and what was expected and found.
#[test]
fn damaged_batches_say_what_is_wrong() {
    let place = tempfile::tempdir().unwrap();
    let broken = |folder: &str, file: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let root = place.path().join(folder);
        std::fs::create_dir_all(&root).unwrap();
        for entry in std::fs::read_dir(fixture(folder)).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, root.join(path.file_name().unwrap())).unwrap();
        }
        let path = root.join(file);
        std::fs::write(&path, change(std::fs::read(&path).unwrap())).unwrap();
        format!("{:#}", data::load(&source(&root), &image([3, 32, 32]), Split::None).unwrap_err())
    };
    let half = |bytes: Vec<u8>| bytes[..bytes.len() / 2].to_vec();
    let other = |_: Vec<u8>| b"hello".to_vec();
    let nothing = |_: Vec<u8>| Vec::new();
    let bytes = |from: &'static [u8], to: &'static [u8]| {
        move |bytes: Vec<u8>| {
            let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
            [&bytes[..at], to, &bytes[at + from.len()..]].concat()
        }
    };
    // The archive is rewritten with changed members, so that nothing else is wrong with it.
    let inside = |from: &'static [u8], to: &'static [u8]| {
        let change = bytes(from, to);
        move |bytes: Vec<u8>| {
            let mut old = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
            let mut new = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
            let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
            for index in 0..old.len() {
                let mut member = old.by_index(index).unwrap();
                let mut content = Vec::new();
                member.read_to_end(&mut content).unwrap();
                new.start_file(member.name().unwrap().into_owned(), stored).unwrap();
                let changes = content.windows(from.len()).any(|window| window == from);
                new.write_all(&if changes { change(content) } else { content }).unwrap();
            }
            new.finish().unwrap().into_inner()
        }
    };
    let cases: [Case<'_>; 13] = [
        ("cifar", "data_batch_2", &half, &["data_batch_2", "bytes are expected", "cut short"]),
        ("cifar", "test_batch", &other, &["test_batch", "not a pickled batch", "not a pickle of"]),
        ("cifar", "data_batch_1", &nothing, &["data_batch_1", "empty"]),
        ("cifar", "data_batch_1", &bytes(b"U\x04data", b"U\x04dada"), &["data_batch_1", "no entry `data`"]),
        (
            "cifar",
            "data_batch_1",
            &bytes(b"M\x00\x0c\x86", b"M\x01\x0c\x86"),
            &["[2, 3073]", "is 6146 bytes, found are 6144"],
        ),
        ("imagenet_npz", "val_data.npz", &half, &["val_data.npz", "not an npz file", "cut short"]),
        ("imagenet_npz", "val_data.npz", &other, &["val_data.npz", "not an npz file"]),
        ("imagenet_npz", "train_data_batch_1.npz", &bytes(b"'|u1'", b"'|i1'"), &["its checksum is", "damaged"]),
        ("imagenet_npz", "train_data_batch_1.npz", &inside(b"'|u1'", b"'|i1'"), &["holds int8; expected bytes"]),
        (
            "imagenet_npz",
            "train_data_batch_1.npz",
            &inside(b"(2, 3072)", b"(2, 3071)"),
            &["is 6142 bytes, found are 6144"],
        ),
        ("cifar", "data_batch_1", &bytes(b"U\x02u1", b"U\x02i1"), &["data_batch_1", "holds int8; expected bytes"]),
        ("imagenet_python", "val_data", &|bytes| [bytes.as_slice(), b"more"].concat(), &["val_data", "4 bytes follow"]),
        ("imagenet_python", "val_data", &half, &["val_data", "cut short"]),
    ];
    for (folder, file, change, words) in cases {
        let error = broken(folder, file, change);
        for word in words {
            assert!(error.contains(word), "{folder}/{file}: `{word}` is not in {error}");
        }
    }
    let root = place.path().join("imagenet_npz");
    std::fs::remove_file(root.join("train_data_batch_1.npz")).unwrap();
    let error = format!("{:#}", data::load(&source(&root), &image([3, 32, 32]), Split::None).unwrap_err());
    assert!(error.contains("train_data_batch_*.npz is missing"), "{error}");
    // For testing only, nothing is missing.
    assert_eq!(data::test(&source(&root), &image([3, 32, 32]), None, None).unwrap().1.len(), 2);
}

/// Images whose first pixel is their number.
pub fn folder(root: &Path, names: &[&str]) {
    for (number, name) in names.iter().enumerate() {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let paint = |x: u32, y: u32| image::Rgb([number as u8, x as u8, y as u8]);
        picture::save(&image::RgbImage::from_fn(20, 24, paint), &path).unwrap();
    }
}

pub fn first(images: &Images) -> Vec<u8> {
    (0..images.len()).map(|index| images.picture(index)[0]).collect()
}

#[test]
fn folders_are_divided_as_their_names_say() {
    let place = tempfile::tempdir().unwrap();
    let shape = [3, 24, 20];
    let load = |name: &str| data::load(&source(&place.path().join(name)), &image(shape), Split::None).unwrap();
    folder(&place.path().join("whole"), &["train/a.png", "train/b/c.png", "val/d.png", "test/e.png"]);
    let data = load("whole");
    assert_eq!([first(&data.train), first(&data.validation), first(&data.test)], [vec![0, 1], vec![2], vec![3]]);
    folder(&place.path().join("imagenet"), &["train_32x32/a.png", "train_32x32/b.png", "valid_32x32/c.png"]);
    assert_eq!([first(&load("imagenet").train), first(&load("imagenet").test)], [vec![0, 1], vec![2]]);
    folder(&place.path().join("small"), &["train/a.png", "val/b.png"]);
    assert_eq!([first(&load("small").train), first(&load("small").test)], [vec![0], vec![1]]);
    let names = ["1.png", "2.png", "3.png", "4.png"];
    folder(&place.path().join("faces/img_align_celeba"), &names);
    let list = place.path().join("faces/list_eval_partition.txt");
    std::fs::write(&list, "1.png 0\n2.png 2\n3.png 1\n4.png 0\n").unwrap();
    for root in ["faces", "faces/img_align_celeba"] {
        let data = load(root);
        assert_eq!([first(&data.train), first(&data.validation), first(&data.test)], [vec![0, 3], vec![2], vec![1]]);
    }
    std::fs::write(&list, "1.png 0\n2.png 5\n").unwrap();
    let error = data::load(&source(&place.path().join("faces")), &image(shape), Split::None).unwrap_err();
    assert!(format!("{error:#}").contains("line 2 is `2.png 5`"), "{error:#}");
}

#[test]
fn pictures_of_a_folder_are_cropped_and_other_data_is_not() {
    let place = tempfile::tempdir().unwrap();
    folder(place.path(), &["a.png", "b.png"]);
    let cropped = |crop: &str| {
        let source = Source { crop: Some(crop.parse().unwrap()), ..source(place.path()) };
        data::load(&source, &image([3, 8, 8]), Split::None)
    };
    let data = cropped("8x8+3+5").unwrap();
    assert_eq!((data.train.picture(0)[64], data.train.picture(0)[128]), (3, 5));
    assert_eq!(cropped("8").unwrap().train.picture(0)[64], 6);
    let error = format!("{:#}", cropped("21x8").unwrap_err());
    assert!(error.contains(".png: cannot be cropped") && error.contains("20x24"), "{error}");
    let source = Source { crop: Some("8".parse().unwrap()), ..source(&fixture("cifar")) };
    let error = data::load(&source, &image([3, 8, 8]), Split::None).unwrap_err().to_string();
    assert!(error.contains("--crop is for folders of images"), "{error}");
}

#[test]
fn splits_keep_what_they_say_and_overlap_nowhere() {
    let place = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..100).map(|at| format!("train/{at:03}.png")).chain(["test/x.png".into()]).collect();
    folder(place.path(), &names.iter().map(String::as_str).collect::<Vec<_>>());
    let load = |split| data::load(&source(place.path()), &image([3, 24, 20]), split).unwrap();
    let hoogeboom = load(Split::Hoogeboom);
    assert_eq!((first(&hoogeboom.train), first(&hoogeboom.validation)), ((0..80).collect(), (80..100).collect()));
    let authors = load(Split::Authors);
    assert_eq!((authors.train.len(), authors.validation.len()), (85, 15));
    let mut all = [first(&authors.train), first(&authors.validation)].concat();
    assert!(!first(&authors.validation).is_sorted());
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<u8>>());
}

/// As the authors': mirrored with probability one half, and shifted by round(u) with u uniform within 5 % of the padded
/// size (36 for 32 pixels).
#[test]
fn augmentation_mirrors_and_shifts_as_the_authors_do_and_repeats_the_edge() {
    let ramp: Vec<u8> = (0..32 * 32).map(|at| (at % 32) as u8).collect();
    let augment = Augment::new(3);
    let (mut mirrored, mut shifts) = (0, [0usize; 5]);
    let count = 20_000;
    for position in 0..count {
        let changed = augment.apply(&ramp, [1, 32, 32], position);
        let row = &changed[..32];
        let flipped = row[8] > row[9];
        mirrored += usize::from(flipped);
        // For each ramp, the value in the middle is the shift, and the border pixels are repeated.
        let shift = if flipped { i32::from(row[16]) - 15 } else { 16 - i32::from(row[16]) };
        shifts[(shift + 2) as usize] += 1;
        let expected = |x: i32| {
            let from = (x - shift).clamp(0, 31);
            if flipped { 31 - from } else { from }
        };
        assert!((0..32).all(|x| i32::from(row[x as usize]) == expected(x)), "{position}");
    }
    // Five standard deviations of the counts.
    let near = |found: usize, part: f64| {
        let count = count as f64;
        (found as f64 - part * count).abs() < 5.0 * (part * (1.0 - part) * count).sqrt()
    };
    assert!(near(mirrored, 0.5), "{mirrored}");
    for (found, part) in shifts.into_iter().zip([0.3, 1.0, 1.0, 1.0, 0.3]) {
        assert!(near(found, part / 3.6), "{shifts:?}");
    }
    assert_eq!(augment.apply(&ramp, [1, 32, 32], 7), augment.apply(&ramp, [1, 32, 32], 7));
}
