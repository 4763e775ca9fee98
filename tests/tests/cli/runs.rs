//! Run folders: one process each, other files unchanged, and changes of options recorded.

use crate::support::{Place, said};
use serde_json::Value;
use std::cell::RefCell;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Waits for another process, as long as a busy machine may need.
fn until(done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(120), "nothing came of it");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
#[cfg(unix)]
fn a_second_training_into_one_folder_is_refused() {
    let place = Place::new();
    let arguments = "train toy.pgm --data builtin --steps 100000000 --out run";
    let mut child = place.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until(|| place.path("run/checkpoints/last.safetensors").exists());
    let process = format!("process {}", child.id());
    for second in
        ["train toy.pgm --data builtin --steps 2 --out run", "train run --resume", "toy.pgm --steps 2 --out run"]
    {
        place.fails(second, &["run", &process, "is training into this run folder"]);
    }
    assert!(!place.path("run.old-1").exists());
    place.json("eval run --images 2 --k 2");
    child.kill().unwrap();
    child.wait().unwrap();
    let said = place.run("train run --resume --steps 1");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains(&process) && said.err.contains("was killed"), "{}", said.err);
}

#[test]
fn a_start_that_fails_moves_nothing_away() {
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 3 --out run");
    let kept = fs::read(place.path("run/checkpoints/last.safetensors")).unwrap();
    for start in ["--data nothing", "--data builtin --batch 100000000000", "--data builtin --set x=1"] {
        let said = place.run(&format!("train toy.pgm {start} --out run"));
        assert_ne!(said.code, 0, "{start}");
        assert!(!place.path("run.old-1").exists(), "{start}");
    }
    assert!(fs::read(place.path("run/checkpoints/last.safetensors")).unwrap() == kept);
    place.json("train toy.pgm --data builtin --steps 2 --out run");
    assert!(fs::read(place.path("run.old-1/checkpoints/last.safetensors")).unwrap() == kept);
    // From inside the folder too, and again.
    for number in 2..4 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_toy"));
        let arguments = ["train", "../toy.pgm", "--data", "builtin", "--steps", "2", "--out", "."];
        let said = said(command.args(arguments).current_dir(place.path("run")).output().unwrap());
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(place.path(&format!("run.old-{number}/checkpoints/last.safetensors")).exists());
        assert!(place.path("run/checkpoints/last.safetensors").exists());
    }
}

/// A folder left by a process that was killed before it wrote the run's settings is not a run, and is reused.
#[test]
fn a_start_that_was_killed_is_begun_again() {
    let place = Place::new();
    fs::create_dir(place.path("run")).unwrap();
    for name in ["model.pgm", ".partial-8PFb0B", ".lock"] {
        fs::write(place.path("run").join(name), "half").unwrap();
    }
    // Without a recipe of this program it is a folder of the user.
    fs::write(place.path("run/run.toml"), "laps = 3\n").unwrap();
    place.fails("train toy.pgm --data builtin --steps 2 --out run", &["not a run folder"]);
    place.json("train toy.pgm --data builtin --steps 2 --out whole");
    fs::copy(place.path("whole/run.toml"), place.path("run/run.toml")).unwrap();
    place.json("train toy.pgm --data builtin --steps 2 --out run");
    assert!(fs::read_to_string(place.path("run/model.pgm")).unwrap().starts_with("model toy"));
}

#[test]
fn a_folder_with_something_else_in_it_is_refused() {
    let place = Place::new();
    fs::create_dir(place.path("thesis")).unwrap();
    fs::write(place.path("thesis/report.html"), "mine").unwrap();
    let words = ["thesis", "not a run folder", "--out"];
    place.fails("train toy.pgm --data builtin --steps 2 --out thesis", &words);
    place.fails("toy.pgm --data builtin --steps 2 --out thesis", &words);
    assert_eq!(fs::read_dir(place.path("thesis")).unwrap().count(), 1);
}

#[test]
fn what_a_resumed_run_does_otherwise_is_said_and_kept() {
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 3 --out run");
    let said = place.run("train run --resume --steps 6 --lr 0.001 --batch 16");
    assert_eq!(said.code, 0, "{}", said.err);
    for word in ["from step 3 of 6", "--lr 0.001 (0.002 before)", "--batch 16 (32 before)"] {
        assert!(said.err.contains(word), "{word}: {}", said.err);
    }
    let config: Value = serde_json::from_slice(&fs::read(place.path("run/config.json")).unwrap()).unwrap();
    assert_eq!((config["train"]["batch"].as_u64(), config["train"]["steps"].as_u64()), (Some(32), Some(3)));
    assert_eq!(config["resumed"][0]["step"], 3);
    assert_eq!(config["resumed"][0]["changed"]["batch"], serde_json::json!({ "was": 32, "now": 16 }));
}

/// A run in bf16 is recorded as such; on the CPU there is no tf32.
#[test]
fn the_precision_is_part_of_a_run() {
    let place = Place::new();
    place.fails("train toy.pgm --data builtin --steps 3 --precision tf32", &["tf32", "--device cuda", "bf16"]);
    place.json("train toy.pgm --data builtin --steps 3 --out run --precision bf16");
    let config: Value = serde_json::from_slice(&fs::read(place.path("run/config.json")).unwrap()).unwrap();
    assert_eq!(config["train"]["precision"], "bf16");
    let same = place.run("train run --resume --steps 4 --precision bf16");
    assert!(same.code == 0 && !same.err.contains("--precision"), "{}", same.err);
    let said = place.run("train run --resume --steps 5");
    assert!(said.code == 0 && said.err.contains("--precision f32 (bf16 before)"), "{}", said.err);
}

/// An interrupt at any moment (here mostly within a validation) loses no step, and the resumed run has the same result.
#[test]
#[cfg(unix)]
fn an_interrupted_validation_loses_nothing() {
    let place = Place::new();
    let how =
        "--data builtin --steps 400 --batch 4 --validate-every 3 --checkpoint-every 1000000 --validation-images 64";
    place.json(&format!("train toy.pgm {how} --out whole"));
    let fresh = format!("train toy.pgm {how} --out parts");
    let (mut interrupts, mut done) = (0, false);
    for round in 0..8u64 {
        let resumes = place.path("parts/checkpoints/last.safetensors").exists();
        let arguments = if resumes { "train parts --resume" } else { &fresh };
        let child = place.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let child = RefCell::new(child);
        let length = || fs::metadata(place.path("parts/metrics.jsonl")).map_or(0, |file| file.len());
        let begun = length();
        until(|| length() > begun + 500 || child.borrow_mut().try_wait().unwrap().is_some());
        let child = child.into_inner();
        std::thread::sleep(Duration::from_millis(round * 3));
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let said = said(child.wait_with_output().unwrap());
        match said.code {
            0 => {
                done = true;
                break;
            }
            130 => {
                interrupts += 1;
                assert!(said.err.contains("interrupted at step") && said.err.contains("--resume"), "{}", said.err);
            }
            code => panic!("exit code {code}: {}", said.err),
        }
    }
    if !done {
        place.json("train parts --resume");
    }
    println!("{interrupts} interrupts");
    assert!(interrupts > 0, "the run was too short to be interrupted");
    for file in ["checkpoints/last.safetensors", "checkpoints/best.safetensors"] {
        let read = |run: &str| fs::read(place.path(run).join(file)).unwrap();
        assert!(read("whole") == read("parts"), "{file}");
    }
}

#[test]
#[cfg(unix)]
fn an_interrupted_evaluation_says_so() {
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 2 --out run");
    for arguments in ["eval run --k 100000000", "encode run --draws 1000000 --out codes.npz"] {
        let child = place.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(1500));
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let said = said(child.wait_with_output().unwrap());
        assert_eq!((said.code, said.out.as_str()), (130, ""), "{arguments}: {}", said.err);
        assert!(said.err.contains("interrupted"), "{arguments}: {}", said.err);
    }
    assert!(!place.path("codes.npz").exists());
}

#[test]
fn a_run_is_repeated_from_its_own_file() {
    let place = Place::new();
    let how =
        "--data builtin --steps 12 --seed 5 --lr 0.003 --batch 8 --average 0.9 --warm-up 4 --schedule cosine --augment";
    place.json(&format!("train toy.pgm {how} --out run"));
    let last = |run: &str| fs::read(place.path(run).join("checkpoints/last.safetensors")).unwrap();
    place.json("train --config run/run.toml --out again");
    assert!(last("run") == last("again"));
    // Options on the command line have priority.
    let told = place.json("train --config run/run.toml --steps 3 --out other");
    assert_eq!(told["steps"], 3);
    assert!(fs::read_to_string(place.path("other/run.toml")).unwrap().contains("steps = 3\n"));
    fs::write(place.path("bad.toml"), "colour = 3").unwrap();
    let said = place.run("train toy.pgm --config bad.toml");
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("bad.toml") && said.err.contains("`colour`"), "{}", said.err);
}

#[test]
fn a_sweep_trains_every_combination_and_compares_them() {
    let place = Place::new();
    let line = "sweep toy.pgm --vary lr=0.001,0.01 --vary batch=4,8 --seeds 2 --out sweep";
    let plan = place.run(&format!("{line} --dry-run -- --data builtin --steps 4"));
    let lines: Vec<&str> = plan.out.lines().collect();
    assert_eq!(lines.len(), 8, "{}", plan.out);
    let first = "srvae-run train toy.pgm --lr=0.001 --batch=4 --seed=1 --out sweep/lr-0.001_batch-4_seed-1 --data builtin --steps 4";
    assert_eq!(lines[0], first);
    assert!(!place.path("sweep").exists());
    let said = place.run("sweep toy.pgm --vary lr=0.001,0.01 --seeds 2 --out sweep -- --data builtin --steps 4");
    assert_eq!(said.code, 0, "{}", said.err);
    for word in ["lr-0.001_seed-1", "lr-0.01_seed-2", "validation", "test, mean", "± sd"] {
        assert!(said.out.contains(word), "{word}: {}", said.out);
    }
    let kept: Value = serde_json::from_slice(&fs::read(place.path("sweep/sweep.json")).unwrap()).unwrap();
    assert_eq!((kept["runs"].as_array().unwrap().len(), kept["failed"].as_u64()), (4, Some(0)));
    let tests: Vec<f64> = (0..2).map(|at| kept["runs"][at]["result"]["test_after"].as_f64().unwrap()).collect();
    let mean = kept["settings"][0]["test_after"].as_f64().unwrap();
    // Rounding of one sum; JSON keeps every digit.
    assert!((mean - (tests[0] + tests[1]) / 2.0).abs() < 1e-12, "{kept}");
    // The runs equal those of the plain command line.
    place.json("train toy.pgm --lr 0.01 --seed 2 --data builtin --steps 4 --out alone");
    let last = |run: &str| fs::read(place.path(run).join("checkpoints/last.safetensors")).unwrap();
    assert!(last("alone") == last("sweep/lr-0.01_seed-2"));
    for (bad, words) in [
        ("--vary lr=fast", ["--lr", "fast"]),
        ("--vary colour=1", ["--colour", "unexpected"]),
        ("--vary lr", ["--vary lr", "NAME=VALUE"]),
        ("--vary seed=1,2", ["--vary seed", "--seeds"]),
    ] {
        place.fails(&format!("sweep toy.pgm {bad} --out bad"), &words);
    }
    assert!(!place.path("bad").exists());
}

/// Also by the name of a built-in model.
#[test]
fn a_run_goes_on_by_the_name_of_its_model() {
    let place = Place::new();
    place.json("train toy --data builtin --steps 2 --batch 4 --out run");
    assert_eq!(place.json("train toy --resume --out run --steps 3")["steps"], 3);
    place.fails("train toi --resume --out run --steps 4", &["toi: no such file", "toy"]);
}
