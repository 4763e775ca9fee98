//! The parts for training, validation and testing, and that they do not change.

use super::{first, folder, image, source, spec};
use srvae::data::{self, Data, Kept, Records, Source, Split};
use srvae::spec::Space;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const SHAPE: [usize; 3] = [3, 24, 20];

fn load(path: &Path) -> Data {
    data::load(&source(path), &image(SHAPE), Split::Standard).unwrap()
}

fn set(records: &Records) -> BTreeSet<u8> {
    first(records).into_iter().collect()
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("{at:03}.png")).collect()
}

fn strs(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

#[test]
fn classes_in_folders_are_in_every_part() {
    let place = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..120).map(|at| format!("class{}/{at:03}.png", at / 30)).collect();
    folder(place.path(), &strs(&names));
    let spec = spec(&[("x", Space::Image, &SHAPE), ("c", Space::Label, &[4])]);
    for seed in [0, 1] {
        let data = data::load(&Source { seed, ..source(place.path()) }, &spec, Split::Standard).unwrap();
        assert_eq!([data.train.len(), data.validation.len(), data.test.len()], [86, 22, 12]);
        for (part, least) in [(&data.train, 20), (&data.validation, 5), (&data.test, 3)] {
            for class in 0..4 {
                let count = (0..part.len()).filter(|&index| part.label(index) == Some(class)).count();
                assert!(count >= least && count <= least + 3, "{class}: {count}");
            }
        }
        // The first test images are not all of one class.
        let classes: BTreeSet<_> = (0..8).map(|index| data.test.label(index)).collect();
        assert!(classes.len() > 1);
    }
}

#[test]
fn parts_are_known_by_name_in_any_case() {
    let place = tempfile::tempdir().unwrap();
    for (name, files, expected) in [
        ("capital", ["Train/a.png", "Train/b.png", "Test/c.png"], [2, 1]),
        ("long", ["training/a.png", "testing/b.png", "testing/c.png"], [1, 2]),
        // A folder only for testing: all other records are for training.
        ("lone", ["a.png", "sub/b.png", "TEST/c.png"], [2, 1]),
        ("dev", ["train/a.png", "dev/b.png", "dev/c.png"], [1, 2]),
    ] {
        let root = place.path().join(name);
        folder(&root, &files);
        let data = load(&root);
        assert_eq!([data.train.len(), data.test.len()], expected, "{name}");
        assert!(set(&data.train).is_disjoint(&set(&data.test)), "{name}");
    }
    // Without a folder for training or testing, the folders are classes.
    folder(&place.path().join("classes"), &["val/a.png", "dev/b.png", "other/c.png"]);
    let data = load(&place.path().join("classes"));
    assert_eq!(data.train.len() + data.test.len(), 3);
    folder(&place.path().join("both"), &["Train/a.png", "training/b.png", "test/c.png"]);
    let error = data::load(&source(&place.path().join("both")), &image(SHAPE), Split::None).unwrap_err();
    assert!(format!("{error:#}").contains("two folders hold training data"), "{error:#}");
}

#[test]
fn one_picture_is_a_data_set() {
    let place = tempfile::tempdir().unwrap();
    folder(place.path(), &["a.png"]);
    let data = load(place.path());
    assert_eq!([data.train.len(), data.validation.len(), data.test.len()], [1, 1, 1]);
}

#[test]
fn other_data_are_scored_whole_and_the_runs_own_as_they_were_divided() {
    let place = tempfile::tempdir().unwrap();
    let (own, other) = (place.path().join("own"), place.path().join("other"));
    folder(&own, &strs(&numbered(50)));
    folder(&other, &strs(&numbered(30)));
    let spec = image(SHAPE);
    let data = load(&own);
    let kept = data.kept.clone().unwrap();
    let test = |path: &Path, most| data::test(&source(path), &spec, Some(&kept), most).unwrap().1;
    assert_eq!(first(&test(&other, None)), (0..30).collect::<Vec<u8>>());
    // A sample of it, not its beginning.
    let some = first(&test(&other, Some(10)));
    assert!(some.len() == 10 && some.is_sorted() && some != (0..10).collect::<Vec<u8>>());
    assert_eq!(first(&test(&own, None)), first(&data.test));
    assert_eq!(first(&test(&own, Some(3))), first(&data.test)[..3]);
    // The same data moved to another folder are still the run's data.
    let moved = place.path().join("moved");
    std::fs::rename(&own, &moved).unwrap();
    assert_eq!(first(&test(&moved, None)), first(&data.test));
    // If the data have a part for testing, it is the part that is scored.
    let parted = place.path().join("parted");
    folder(&parted, &["train/a.png", "train/b.png", "test/c.png"]);
    assert_eq!(first(&test(&parted, None)), [2]);
}

#[test]
fn a_run_keeps_its_records_when_its_data_move_or_grow() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("a");
    folder(&root, &strs(&numbered(60)));
    let spec = image(SHAPE);
    let data = load(&root);
    let file = place.path().join("split.json");
    std::fs::write(&file, data.kept.as_ref().unwrap().json()).unwrap();
    let kept = Kept::read(&file).unwrap();
    assert_eq!(Some(&kept), data.kept.as_ref());
    let parts = |data: &Data| [first(&data.train), first(&data.validation), first(&data.test)];
    // In another folder, and with an additional image sorted before the others: images are identified by name.
    let moved = place.path().join("b");
    std::fs::rename(&root, &moved).unwrap();
    let grey = image::RgbImage::from_pixel(20, 24, image::Rgb([255; 3]));
    grey.save(moved.join("000_new.png")).unwrap();
    grey.save(moved.join("zzz_new.png")).unwrap();
    let again = data::load_kept(&source(&moved), &spec, &kept).unwrap();
    assert_eq!(parts(&again), parts(&data));
    assert_eq!(again.kept.as_ref().unwrap().source, moved.display().to_string());
    // And from the file that is written then.
    let third = data::load_kept(&source(&moved), &spec, &again.kept.unwrap()).unwrap();
    assert_eq!(parts(&third), parts(&data));
    // A missing image is named.
    std::fs::remove_file(moved.join("007.png")).unwrap();
    let error = format!("{:#}", data::load_kept(&source(&moved), &spec, &kept).unwrap_err());
    assert!(error.contains("1 of the run's 60 training records are missing (007.png)"), "{error}");
}

#[test]
fn a_table_that_grew_at_its_end_keeps_its_records() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.csv");
    let lines = |count: usize| (0..count).map(|at| format!("{at},{}\n", 2 * at)).collect::<String>();
    std::fs::write(&path, format!("a,b\n{}", lines(40))).unwrap();
    let spec = spec(&[("x", Space::Real, &[2])]);
    let data = data::load(&source(&path), &spec, Split::Standard).unwrap();
    let kept = data.kept.unwrap();
    std::fs::write(&path, format!("a,b\n{}", lines(55))).unwrap();
    let again = data::load_kept(&source(&path), &spec, &kept).unwrap();
    let numbers = |records: &Records| (0..records.len()).map(|at| records.number(at)).collect::<Vec<_>>();
    assert_eq!([numbers(&again.train), numbers(&again.test)], [numbers(&data.train), numbers(&data.test)]);
    std::fs::write(&path, format!("a,b\n{}", lines(39))).unwrap();
    let error = format!("{:#}", data::load_kept(&source(&path), &spec, &kept).unwrap_err());
    assert!(error.contains("there are 39 training records, and there were 40"), "{error}");
}

#[test]
fn a_relative_path_means_the_same_from_everywhere() {
    let source = Source::of("Cargo.toml").absolute();
    let whole = std::path::absolute("Cargo.toml").unwrap();
    assert_eq!(Source::parse(&source.text()).unwrap().place, data::Place::Path(whole));
    assert_eq!(Source::of("cifar10").absolute(), Source::of(PathBuf::from("cifar10")));
}

/// Other files in a folder of images are ignored.
#[cfg(unix)]
#[test]
fn hidden_files_other_kinds_and_loops_are_passed_over() {
    let place = tempfile::tempdir().unwrap();
    folder(place.path(), &["a.png", "sub/b.png"]);
    std::fs::write(place.path().join("._a.png"), b"Mac OS X").unwrap();
    std::fs::write(place.path().join("notes.txt"), b"text").unwrap();
    std::fs::write(place.path().join("c.gif"), b"GIF89a").unwrap();
    std::os::unix::fs::symlink(place.path(), place.path().join("sub/up")).unwrap();
    std::os::unix::fs::symlink("sub", place.path().join("again")).unwrap();
    for (name, format) in [("d.bmp", image::ImageFormat::Bmp), ("e.webp", image::ImageFormat::WebP)] {
        image::RgbImage::from_pixel(20, 24, image::Rgb([9; 3]))
            .save_with_format(place.path().join(name), format)
            .unwrap();
    }
    let data = load(place.path());
    let names: usize = data.train.len() + data.test.len();
    assert_eq!(names, 4);
    assert_eq!(set(&data.train).union(&set(&data.test)).copied().collect::<Vec<_>>(), [0, 1, 9]);
}
