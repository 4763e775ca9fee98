//! Run folders: one process each, nothing of others touched, and what changed on the way kept.

use crate::support::{Place, said};
use serde_json::Value;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Waits for what another process does, for as long as a busy machine may need.
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
    assert!(said.err.contains(&process) && said.err.contains("is gone"), "{}", said.err);
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

#[test]
fn a_folder_with_something_else_in_it_is_refused() {
    let place = Place::new();
    fs::create_dir(place.path("thesis")).unwrap();
    fs::write(place.path("thesis/report.html"), "mine").unwrap();
    let words = ["thesis", "what it holds is no run", "--out"];
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

/// An interrupt at any moment (here mostly within a validation) costs no step, and the run goes on as if there had been none.
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
        let begun = place.path("parts/checkpoints/last.safetensors").exists();
        let arguments = if begun { "train parts --resume" } else { &fresh };
        let child = place.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = || fs::read(place.path("parts/metrics.jsonl")).map_or(0, |bytes| bytes.len());
        let at = lines();
        until(|| lines() > at + 500 || place.path("parts/evaluation.json").exists());
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
    for arguments in ["eval run --k 100000000", "sample run --count 200000 --out sheet.png"] {
        let child = place.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(1500));
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let said = said(child.wait_with_output().unwrap());
        assert_eq!((said.code, said.out.as_str()), (130, ""), "{arguments}: {}", said.err);
        assert!(said.err.contains("interrupted"), "{arguments}: {}", said.err);
    }
    assert!(!place.path("sheet.png").exists());
}
