//! A run and its data: found from any folder, with the same records whatever happens to the folder.

use super::support::{Place, Said, said};
use std::fs;
use std::path::Path;

/// Small images, each of one grey level.
fn pictures(folder: &Path, count: u32) {
    std::fs::create_dir_all(folder).unwrap();
    for number in 0..count {
        let paint = |x: u32, y: u32| image::Rgb([(number * 9 + x) as u8, (number * 9 + y) as u8, 40]);
        image::RgbImage::from_fn(4, 4, paint).save(folder.join(format!("{number:03}.png"))).unwrap();
    }
}

/// The program in another folder.
fn elsewhere(place: &Place, arguments: &str) -> Said {
    let other = place.path("elsewhere");
    std::fs::create_dir_all(&other).unwrap();
    said(place.command(arguments).current_dir(other).output().unwrap())
}

#[test]
fn a_run_finds_its_records_from_another_folder_and_after_a_move() {
    let place = Place::new();
    pictures(&place.path("pictures"), 40);
    place.json("train toy.pgm --data pictures --steps 2 --batch 4 --out run");
    // Another folder with the same name is not mistaken for it.
    pictures(&place.path("elsewhere/pictures"), 3);
    let first = place.json("eval run --k 2");
    assert_eq!((first["images"].as_u64(), first["data"].as_str()), (Some(4), Some("pictures")));
    let there = elsewhere(&place, "eval ../run --k 2 --json");
    let there: serde_json::Value = serde_json::from_str(there.out.lines().last().unwrap()).unwrap();
    assert_eq!(first["nll"], there["nll"]);
    std::fs::rename(place.path("pictures"), place.path("moved")).unwrap();
    place.fails("eval run --k 2", &["no such file or folder", "--data gives their place if they were moved"]);
    let moved = place.json("eval run --k 2 --data moved");
    assert_eq!(first["nll"], moved["nll"]);
    // A resumed run keeps the new place.
    place.json("train run --resume --steps 3 --data moved");
    assert_eq!(place.json("eval run --k 2 --checkpoint last")["images"].as_u64(), Some(4));
}

#[test]
fn a_folder_that_grew_is_not_divided_anew() {
    let place = Place::new();
    pictures(&place.path("pictures"), 30);
    place.json("train toy.pgm --data pictures --steps 2 --batch 4 --out run");
    let before = place.json("eval run --k 2 --checkpoint last");
    pictures(&place.path("pictures"), 50);
    let said = place.run("eval run --k 2 --checkpoint last --json");
    assert!(said.err.contains("20 training records are new"), "{}", said.err);
    let after: serde_json::Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
    assert_eq!(before["nll"], after["nll"]);
    std::fs::remove_file(place.path("pictures/011.png")).unwrap();
    place.fails("train run --resume --steps 4", &["1 of the run's 30 training records are missing (011.png)"]);
}

#[test]
fn other_data_are_scored_whole() {
    let place = Place::new();
    pictures(&place.path("pictures"), 30);
    pictures(&place.path("other"), 17);
    place.json("train toy.pgm --data pictures --steps 2 --batch 4 --out run");
    assert_eq!(place.json("eval run --k 1 --data other")["images"].as_u64(), Some(17));
    assert_eq!(place.json("eval run --k 1 --data other --images 5")["images"].as_u64(), Some(5));
    place.fails("train run --resume --steps 4 --split 0.5", &["a resumed run keeps its split, standard"]);
}

#[test]
fn folders_are_inputs_and_what_is_given_must_be_taken() {
    let place = Place::new();
    pictures(&place.path("pictures"), 12);
    place.json("train toy.pgm --data pictures --steps 2 --batch 4 --out run");
    let found = place.json("reconstruct run --input pictures --out sheet.png");
    assert_eq!(found["count"].as_u64(), Some(12));
    std::fs::create_dir(place.path("empty")).unwrap();
    place.fails("reconstruct run --input empty", &["there are no images in this folder"]);
    place.fails("sample run --given c=3", &["the model has no variable `c`"]);
    place.fails("reconstruct run --given z=0.5", &["--given z: reconstruction is given x in this model"]);
    place.fails("sample run --given z", &["expected NAME=VALUE"]);
    let said = place.run("check toy");
    assert!(said.code == 0 && said.out.contains("model toy"), "{}", said.err);
    assert_eq!(place.run("explain toy").code, 0);
}

/// Weight-normalised layers like those of the shipped models, but small.
const NORMALISED: &str = "model small\nobserved x: image[3, 8, 8]\nlatent z: real[4, 4, 4]\np(z) = standard_normal\n\
    p(x | z) = logistic_mixture(components: 2) from z |> decoder(growth: 8, steps: 2, up: 1)\n\
    q(z | x) = normal from x |> encoder(growth: 8, steps: 2, down: 1)\n";

/// Layers initialised with constant images have weights of normal size, and a message is printed.
#[test]
fn flat_pictures_ruin_no_run() {
    let place = Place::new();
    std::fs::write(place.path("small.pgm"), NORMALISED).unwrap();
    for (folder, flat) in [("mixed", 255), ("black", 0)] {
        let folder = place.path(folder);
        std::fs::create_dir_all(&folder).unwrap();
        for number in 0..60u32 {
            let varied = flat == 255 && number % 3 == 0;
            let paint = |x: u32, y: u32| {
                let level = |by: u32| ((number * 31 + x * by + y * 17) % 256) as u8;
                image::Rgb(if varied { [level(7), level(19), level(3)] } else { [flat; 3] })
            };
            image::RgbImage::from_fn(8, 8, paint).save(folder.join(format!("{number:02}.png"))).unwrap();
        }
    }
    for data in ["mixed", "black"] {
        let command = format!("train small.pgm --data {data} --steps 24 --batch 8 --out {data}-run --json");
        let said = place.run(&command);
        assert_eq!(said.code, 0, "{}", said.err);
        let found: serde_json::Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
        let (before, after) = (found["test_before"].as_f64().unwrap(), found["test_after"].as_f64().unwrap());
        // Uniform noise costs 8 bits/dim; images of one level cost far less as soon as anything is learned. Before
        // that, a model is a few bits worse than noise. Layers scaled by a variance of almost 0 would cost hundreds of
        // bits.
        assert!(before < 12.0 && after < before && after < 8.0, "{data}: {before} {after}");
        // With equal images, most channels vary only at borders.
        assert!(data == "mixed" || said.err.contains("do not vary over the"), "{data}: {}", said.err);
    }
}

/// A normal fitted to standardised data is N(0, 1) from the start. In the data's units its cross-entropy is ½ ln 2πe +
/// ln σ per number, and its draws have the data's mean and standard deviation.
#[test]
fn scaled_data_are_scored_and_drawn_in_their_own_units() {
    let place = Place::new();
    fs::write(place.path("plain.pgm"), "model plain\nobserved x: real[2]\np(x) = normal\n").unwrap();
    let count = 400;
    // Equidistant values around 100 and −3 with standard deviations 10 and ½, in independent orders.
    let step = 12f64.sqrt() / count as f64;
    let value = |at: usize| step * (at as f64 + 0.5 - count as f64 / 2.0);
    let line = |at: usize| format!("{},{}\n", 100.0 + 10.0 * value(at), -3.0 + 0.5 * value(at * 149 % count));
    fs::write(place.path("t.csv"), "a,b\n".to_owned() + &(0..count).map(line).collect::<String>()).unwrap();
    place.json("train plain.pgm --data t.csv --bind x=a,b --standardize --steps 1 --out run");
    let found = place.json("eval run --k 1");
    let expected = 2.0 * 0.5 * (2.0 * std::f64::consts::PI * std::f64::consts::E).ln() + 10f64.ln() + 0.5f64.ln();
    // Half the square of evenly spread values has the variance 1/5; for two numbers over 40 records the error is 0.1.
    let (nll, error) = (found["nll"].as_f64().unwrap(), found["standard_error"].as_f64().unwrap());
    assert!((nll - expected).abs() < 5.0 * error && error < 0.2, "{nll} ± {error}, expected {expected}");
    place.json("sample run --count 2000 --out s.npz");
    let arrays = srvae::data::formats::arrays::named(&place.path("s.npz")).unwrap();
    let numbers = srvae::data::formats::arrays::numbers(&arrays[0].1);
    for (at, mean, deviation) in [(0, 100.0, 10.0), (1, -3.0, 0.5)] {
        let column = || numbers.iter().skip(at).step_by(2);
        let own = column().sum::<f64>() / 2000.0;
        let spread = (column().map(|value| (value - own).powi(2)).sum::<f64>() / 2000.0).sqrt();
        // The error of the mean is σ/45 and that of the standard deviation σ/63 for 2000 draws; for 288 training
        // records both are at most σ/17. The tolerance is five times that.
        assert!((own - mean).abs() < 0.35 * deviation, "{own}");
        assert!((spread / deviation - 1.0).abs() < 0.2, "{spread}");
    }
}

/// Half precision keeps 11 bits of every weight, so the likelihood changes by far less than a hundredth.
#[test]
fn weights_alone_in_half_precision_are_a_run() {
    let place = Place::new();
    place.json("train toy.pgm --steps 5 --batch 4 --average 0.5 --out run");
    let file = place.json("export run --out w.safetensors --half");
    assert!(file["parameters"].as_u64() > Some(0));
    let size = |name: &str| fs::metadata(place.path(name)).unwrap().len();
    // Without the optimiser's state and the second set of weights, and half of the remaining bytes.
    assert!(size("w.safetensors") < size("run/checkpoints/last.safetensors") / 2);
    let [whole, half] = ["run --checkpoint last", "w.safetensors"]
        .map(|run| place.json(&format!("eval {run} --k 2"))["nll"].as_f64().unwrap());
    assert!((whole - half).abs() < 0.01 * whole && whole != half, "{whole} {half}");
    assert_eq!(place.json("sample w.safetensors --count 2")["count"].as_u64(), Some(2));
    // It names no data, and does not have PyTorch's names.
    place.fails("export run --out w.safetensors", &["another kind of file"]);
    place.fails("sample --pretrained", &["no weights are part of this program"]);
}

#[test]
fn a_folder_named_as_a_built_in_set_is_said_to_hide_it() {
    let place = Place::new();
    for name in ["digits", "mnist", "builtin"] {
        pictures(&place.path(name), 12);
    }
    for (data, words) in [
        ("digits", "the folder `digits` in the current folder, not the built-in data set"),
        ("mnist", "the folder `mnist` in the current folder, not the data set that `srvae-run fetch` gets"),
        ("builtin", "called so in the current folder is `./builtin`"),
    ] {
        let said = place.run(&format!("train toy.pgm --data {data} --steps 1 --batch 4 --out run-{data}"));
        assert!(said.code == 0 && said.err.contains(words), "{}", said.err);
    }
    let said = place.run("train toy.pgm --data ./builtin --steps 1 --batch 4 --out run");
    assert!(said.code == 0 && !said.err.contains("called so"), "{}", said.err);
}
