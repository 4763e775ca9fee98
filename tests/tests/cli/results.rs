//! Results: they are written, do not overwrite other files, and are complete.

use crate::support::{Place, cifar, said};
use serde_json::Value;
use std::fs;
use std::process::{Command, Output};

fn shell(place: &Place, line: &str) -> Output {
    let line = line.replace("PROGRAM", env!("CARGO_BIN_EXE_toy"));
    Command::new("bash").args(["-c", &line]).current_dir(place.root()).output().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn a_result_that_cannot_be_written_is_an_error() {
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 3 --out run");
    for command in ["eval run --images 2 --k 2", "eval run --images 2 --k 2 --json", "--help", "explain toy.pgm"] {
        let said = said(shell(&place, &format!("PROGRAM {command} > /dev/full")));
        assert_eq!(said.code, 1, "{command}: {}", said.err);
        let words = ["error: standard output cannot be written to", "the result is lost"];
        assert!(words.iter().all(|word| said.err.contains(word)), "{command}: {}", said.err);
    }
}

/// If a reader closes the pipe, the work continues to its end without a message.
#[test]
#[cfg(unix)]
fn a_reader_that_goes_away_ends_no_work() {
    let place = Place::new();
    let line = "PROGRAM toy.pgm --data builtin --steps 3 --out run | true; exit ${PIPESTATUS[0]}";
    let output = shell(&place, line);
    assert_eq!(output.status.code(), Some(141), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("error"));
    for file in ["evaluation.json", "report.html", "grids/generation.png", "grids/interpolation.png"] {
        assert!(place.path("run").join(file).exists(), "{file}");
    }
}

#[test]
fn results_take_no_other_files_place() {
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 3 --out run");
    let last = place.path("run/checkpoints/last.safetensors");
    let kept = fs::read(&last).unwrap();
    fs::write(place.path("thesis.png"), "not a picture").unwrap();
    fs::write(place.path("notes.csv"), "name,grade\n").unwrap();
    fs::write(place.path("codes.npz"), "not an archive").unwrap();
    for (command, file) in [
        ("export run --out run/checkpoints/last.safetensors", "last.safetensors"),
        ("sample run --count 2 --out thesis.png", "thesis.png"),
        ("interpolate run --count 2 --out thesis.png", "thesis.png"),
        ("report run --out thesis.png", "thesis.png"),
        ("eval run --images 2 --k 1 --per-record notes.csv", "notes.csv"),
        ("encode run --images 2 --out codes.npz", "codes.npz"),
    ] {
        place.fails(command, &[file, "another kind of file", "--force"]);
    }
    assert!(fs::read(&last).unwrap() == kept);
    assert_eq!(fs::read_to_string(place.path("notes.csv")).unwrap(), "name,grade\n");
    let words = ["last.safetensors", "as .png, .svg or .pdf"];
    place.fails("sample run --count 2 --out run/checkpoints/last.safetensors", &words);
    fs::create_dir(place.path("folder.png")).unwrap();
    place.fails("sample run --count 2 --out folder.png", &["folder.png", "this is a folder"]);
    place.json("sample run --count 2 --out thesis.png --force");
    // A sheet may be drawn again.
    place.json("sample run --count 2 --out thesis.png");
    place.json("encode run --images 2 --out codes.npz --force");
    place.json("encode run --images 2 --out codes.npz");
}

#[test]
fn records_and_latents_go_to_files() {
    let place = Place::new();
    cifar(&place.path("cifar"), 12);
    place.json("train toy.pgm --data cifar --steps 5 --out run");
    let found = place.json("eval run --k 4 --per-record records.csv");
    let text = fs::read_to_string(place.path("records.csv")).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0], ["record", "number", "log_likelihood", "bound", "RE_x", "KL_z"]);
    assert_eq!(rows.len(), 1 + found["images"].as_u64().unwrap() as usize);
    let likelihoods: Vec<f64> = rows[1..].iter().map(|row| row[2].parse().unwrap()).collect();
    let mean = likelihoods.iter().sum::<f64>() / likelihoods.len() as f64;
    // Rounding of a mean of some hundred nats.
    assert!((mean - found["log_likelihood"].as_f64().unwrap()).abs() < 1e-9);
    // The numbers are those of the file of indices.
    fs::write(place.path("some.json"), r#"{"train": [0, 1, 2, 3], "val": [4, 5]}"#).unwrap();
    place.json("train toy.pgm --data cifar --indices some.json --steps 2 --out other");
    place.json("eval other --k 1 --part val --per-record some.csv");
    let text = fs::read_to_string(place.path("some.csv")).unwrap();
    let mut numbers: Vec<&str> = text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, ["4", "5"]);
    place.json("eval run --k 4 --per-record records.npz");
    let told = place.json("encode run --data cifar --draws 2 --out codes.npz");
    assert_eq!(told["arrays"], serde_json::json!({ "z": [12, 1], "z_draws": [12, 2, 1], "number": [12] }));
    for file in ["records.npz", "codes.npz"] {
        assert!(fs::read(place.path(file)).unwrap().starts_with(b"PK"), "{file}");
    }
    place.fails("eval run --per-record records.txt", &["records.txt", ".csv or .npz"]);
    place.fails("encode run --out codes.csv", &["codes.csv", ".npz"]);
    place.fails("encode run", &["--out"]);
}

/// The results of every command are stored in the run folder, with the same names as on the screen.
#[test]
fn every_evaluation_is_kept_and_named() {
    let place = Place::new();
    cifar(&place.path("cifar"), 12);
    cifar(&place.path("other"), 9);
    for (run, arguments) in [("a", "--seed 1 --lr 0.01"), ("b", "--seed 7")] {
        place.json(&format!("train toy.pgm --data cifar --steps 5 {arguments} --out {run}"));
    }
    let read = |file: &str| -> Value { serde_json::from_slice(&fs::read(place.path(file)).unwrap()).unwrap() };
    let said = place.run("table a b --transfer other --k 5 --no-fid");
    for word in ["run", "seed", "lr", "step", "0.01", "0.002", "RE added, KL subtracted"] {
        assert!(said.out.contains(word), "{word}: {}", said.out);
    }
    let line = |run: &str, data: &str| {
        let words = |line: &&str| line.split_whitespace().next() == Some(run) && line.contains(data);
        said.out.lines().find(words).unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(line("a", "cifar")[..5], ["a", "1", "0.01", "5", "cifar"]);
    assert_eq!(line("b", "other")[..5], ["b", "7", "0.002", "5", "other"]);
    let term = read("b/evaluation.json")["terms"]["RE_x"].as_f64().unwrap();
    assert!(line("b", "cifar").contains(&format!("{term:.1}")), "one sign of RE_x: {term} {}", said.out);
    assert_eq!(
        (read("a/evaluation.json")["data"].as_str(), read("a/evaluation-other.json")["data"].as_str()),
        (Some("cifar"), Some("other"))
    );
    let found = place.json("eval a --k 7");
    assert_eq!(read("a/evaluation.json")["nll"], found["nll"]);
    assert_eq!((found["train_seed"].as_u64(), found["learning_rate"].as_f64()), (Some(1), Some(0.01)));
    assert_eq!(found["likelihood_of"], "ln p(x)");
    let config = read("a/config.json");
    assert_eq!(config["data"], "cifar");
}

#[test]
fn a_misspelt_command_is_recognised() {
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 2 --out run");
    for (typed, meant) in [("evla run", "eval"), ("trian toy.pgm", "train"), ("recontsruct run", "reconstruct")] {
        let said = place.run(typed);
        assert_eq!(said.code, 2, "{typed}: {}", said.err);
        assert!(said.err.contains(&format!("did you mean `srvae-run {meant}`?")), "{typed}: {}", said.err);
    }
    // A file with such a name is a file.
    fs::copy(place.path("toy.pgm"), place.path("evla")).unwrap();
    assert_eq!(place.run("evla --data builtin --steps 2").code, 0);
}

#[test]
#[cfg(target_os = "linux")]
fn what_does_not_fit_into_memory_is_refused_with_the_number() {
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 2 --out run");
    for (command, words) in [
        ("train toy.pgm --data builtin --batch 100000000000", ["--batch 100000000000", "should fit"]),
        ("train toy.pgm --data builtin --batch 1000000 --samples 1000000", ["--samples 1000000", "this machine has"]),
        ("bench toy.pgm --batch 100000000000", ["--batch 100000000000", "this machine has"]),
        ("eval run --k 100000000000 --chunk 100000000000", ["samples at once", "--chunk"]),
        ("sample run --count 1000000000", ["1000000000 images", "--count"]),
        ("interpolate run --steps 1000000000", ["images", "--steps"]),
        ("encode run --draws 1000000000000 --out codes.npz", ["--draws 1000000000000", "this machine has"]),
    ] {
        place.fails(command, &words);
    }
    for command in [
        "train toy.pgm --steps 18446744073709551615",
        "train toy.pgm --batch 18446744073709551615",
        "train toy.pgm --samples 18446744073709551615",
        "bench toy.pgm --steps 18446744073709551615",
        "eval run --k 18446744073709551615",
        "sample run --count 18446744073709551615",
        "eval run --threads 100000",
        "eval run --threads 60000",
    ] {
        let said = place.run(command);
        assert_eq!(said.code, 2, "{command}: {}", said.err);
        assert!(!said.err.contains("internal error"), "{command}: {}", said.err);
    }
}

/// One record has no standard error.
#[test]
fn one_record_has_no_standard_error() {
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 2 --batch 4 --out run");
    let said = place.run("eval run --k 1 --images 1");
    assert!(said.code == 0 && !said.out.contains('±'), "{}", said.out);
    assert!(place.json("eval run --k 1 --images 1")["standard_error"].is_null());
    assert!(place.run("eval run --k 1 --images 2").out.contains('±'));
}

#[test]
fn pictures_of_graphs_take_no_other_files_place() {
    let place = Place::new();
    for option in ["--svg", "--dot --svg"] {
        place.fails(&format!("explain toy.pgm {option} toy.pgm"), &["toy.pgm", "another kind of file", "--force"]);
    }
    assert_eq!(place.run("explain toy.pgm --svg graph.svg").code, 0);
    assert_eq!(place.run("explain toy.pgm --svg graph.svg").code, 0);
    std::fs::write(place.path("notes.txt"), "mine").unwrap();
    place.fails("explain toy.pgm --svg notes.txt", &["notes.txt"]);
    assert_eq!(place.run("explain toy.pgm --svg notes.txt --force").code, 0);
}

/// The runtime's estimate of memory, in addition to the compiler's numbers.
#[test]
fn explain_says_what_memory_a_model_takes() {
    let place = Place::new();
    let found = place.run("explain toy.pgm --json");
    let found: serde_json::Value = serde_json::from_str(&found.out).unwrap();
    let budget = |key: &str| found["budget"][key].as_u64().unwrap();
    assert!(budget("training_bytes") > budget("evaluation_bytes"), "{found}");
    assert!(budget("training_bytes_an_image") > 0 && budget("evaluation_bytes_an_image") > 0, "{found}");
    let said = place.run("explain toy.pgm --memory 2").out;
    for words in ["Budget\n", "parameters", "Memory, estimated\n", "largest batch in 8 GiB", "largest batch in 2 GiB"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}
