//! Figures in every format, and a run's files for TensorBoard.

use crate::support::Place;
use std::fs;

#[test]
fn a_sheet_is_written_in_the_format_of_its_name() {
    let place = Place::new();
    place.json("train toy.pgm --steps 2 --batch 4 --out run");
    for (name, start) in [("a.png", &b"\x89PNG"[..]), ("a.svg", b"<svg"), ("a.pdf", b"%PDF")] {
        for command in ["sample run --count 3", "figure run --columns 2"] {
            let said = place.run(&format!("{command} --out {name}"));
            assert_eq!(said.code, 0, "{command} {name}: {}", said.err);
            let bytes = fs::read(place.path(name)).unwrap();
            assert!(bytes.starts_with(start), "{command} {name}");
            fs::remove_file(place.path(name)).unwrap();
        }
    }
    place.fails("sample run --count 3 --out a.gif", &["a.gif", ".png, .svg or .pdf"]);
    assert!(!place.path("a.gif").exists());
}

#[test]
fn walks_say_once_what_they_show() {
    let place = Place::new();
    place.json("train toy.pgm --steps 2 --batch 4 --out run");
    let said = place.run("interpolate run --count 8");
    assert_eq!(said.err.matches("x along z").count(), 1, "{}", said.err);
}

/// The same command yields the same sheet, in training or afterwards.
#[test]
fn one_title_stands_over_one_way_to_decode() {
    let place = Place::new();
    place.json("toy.pgm --steps 2 --batch 4 --out run");
    for (command, sheet) in [("sample", "generation"), ("reconstruct", "reconstruction")] {
        let path = place.path(&format!("run/grids/{sheet}.png"));
        let before = fs::read(&path).unwrap();
        place.run(&format!("{command} run"));
        assert_eq!(before, fs::read(&path).unwrap(), "{command}");
    }
}

#[test]
fn tensorboard_gets_values_sheets_settings_and_the_bound_and_no_noise() {
    let place = Place::new();
    place.json("toy.pgm --steps 4 --batch 4 --out run");
    let mut names: Vec<_> = fs::read_dir(place.path("run")).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with("events.out.tfevents."));
    let bytes: Vec<u8> = names.iter().flat_map(|path| fs::read(path).unwrap()).collect();
    let text = String::from_utf8_lossy(&bytes);
    for tag in [
        "train/bits_per_dim",
        "train/RE_x",
        "train/gradient_norm",
        "validation/bits_per_dim",
        "validation/active_units/z",
        "test/KL_z",
        "sheets/generation",
        "model/bound/text_summary",
        "_hparams_/session_start_info",
        "_hparams_/session_end_info",
        "schedule.rate",
        "q/z",
    ] {
        assert!(text.contains(tag), "{tag}");
    }
    for noise in ["nll_by_samples", "standard_error", "/seconds", "/images\u{15}", "terms/"] {
        assert!(!text.contains(noise), "{noise}");
    }
}
