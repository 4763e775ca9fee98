//! A run may end at any moment without loss.

use crate::support::{Place, said};
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

const KILLS: u64 = 16;
const RUN: &str = "--data builtin --steps 6000 --batch 8 --validate-every 1500 --checkpoint-every 5";

#[test]
fn a_run_killed_at_many_moments_ends_as_the_uninterrupted_one() {
    let place = Place::new();
    place.json(&format!("train toy.pgm {RUN} --out whole"));
    let (mut kills, mut losses, mut started) = (0, 0, false);
    let begin = |started: bool| {
        let fresh = format!("train toy.pgm {RUN} --out parts");
        place.command(if started { "train parts --resume" } else { &fresh })
    };
    for round in 0..KILLS {
        let mut child = begin(started).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        // Moments that do not coincide with any timer of the program.
        std::thread::sleep(Duration::from_millis(25 + (round * 37) % 89));
        match child.try_wait().unwrap() {
            Some(status) if status.success() => break,
            Some(_) => panic!("{}", said(child.wait_with_output().unwrap()).err),
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
            }
        }
        let checkpoint = place.path("parts/checkpoints/last.safetensors").exists();
        losses += u64::from(started && !checkpoint);
        started = checkpoint;
    }
    println!("{kills} kills, {losses} checkpoints lost");
    assert!(kills > 3, "the run was too short to be killed");
    assert_eq!(losses, 0);
    assert!(begin(started).output().unwrap().status.success());
    for file in ["checkpoints/last.safetensors", "checkpoints/best.safetensors"] {
        assert!(
            fs::read(place.path("whole").join(file)).unwrap() == fs::read(place.path("parts").join(file)).unwrap(),
            "{file}"
        );
    }
    let steps = |run: &str| -> Vec<u64> {
        let text = fs::read_to_string(place.path(run).join("metrics.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.map(|line| line["step"].as_u64().unwrap()).collect()
    };
    assert_eq!(steps("whole"), steps("parts"));
}

#[test]
#[cfg(unix)]
fn an_interrupt_writes_a_checkpoint_and_exits_with_130() {
    let place = Place::new();
    let arguments = "train toy.pgm --data builtin --steps 10000000 --batch 8 --validation-images 8 --checkpoint-every 100000000 --out run";
    let child = place.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until(|| place.path("run/checkpoints/last.safetensors").exists());
    std::thread::sleep(Duration::from_millis(100));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let said = said(child.wait_with_output().unwrap());
    assert_eq!(said.code, 130, "{}", said.err);
    assert!(said.err.contains("resume with: srvae-run train run --resume"), "{}", said.err);
    let told = place.json("train run --resume --steps 1");
    assert!(told["steps"].as_u64().unwrap() > 1, "{told}");
}

/// Waits for another process, as long as a busy machine may need.
#[cfg(unix)]
fn until(done: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing came of it");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
#[cfg(unix)]
fn a_second_interrupt_ends_at_once_and_loses_nothing() {
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 3 --out run");
    for round in 0..6 {
        // A checkpoint at every step, so that one is probably being written when the second signal arrives.
        let arguments = "train run --resume --steps 10000000 --checkpoint-every 1";
        let written =
            || fs::metadata(place.path("run/checkpoints/last.safetensors")).and_then(|file| file.modified()).ok();
        let before = written();
        let child = place.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The lock names the process as soon as it handles interrupts.
        let process = format!("\"process\":{}", child.id());
        until(|| fs::read_to_string(place.path("run/.lock")).is_ok_and(|text| text.contains(&process)));
        // It has completed a step.
        until(|| written().is_some_and(|now| Some(now) != before));
        for _ in 0..2 {
            Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
            std::thread::sleep(Duration::from_millis(round));
        }
        let said = said(child.wait_with_output().unwrap());
        assert_eq!(said.code, 130, "{}", said.err);
        place.json("eval run --checkpoint last --images 2");
    }
    assert!(place.json("train run --resume --steps 1")["steps"].as_u64().unwrap() > 3);
}

#[test]
#[cfg(unix)]
fn a_disk_that_is_full_loses_no_checkpoint() {
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 3 --out run");
    let last = place.path("run/checkpoints/last.safetensors");
    let kept = fs::read(&last).unwrap();
    // No file may grow beyond this number of blocks, like on a full disk, for any user. The first limit stops the first
    // write of all, the second one the checkpoint.
    for (blocks, words) in [(1, "no space left to write"), (kept.len() / 1024, ".safetensors: cannot be written")] {
        let program = env!("CARGO_BIN_EXE_toy");
        let line = format!("trap '' XFSZ; ulimit -f {blocks}; exec {program} train run --resume --steps 5");
        let output = Command::new("bash").args(["-c", &line]).current_dir(place.root()).output().unwrap();
        said(output).is_clear_error("full disk", &[words]);
        assert!(fs::read(&last).unwrap() == kept);
    }
    let left: Vec<String> = fs::read_dir(place.path("run/checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(left.iter().filter(|name| name.contains("partial")).count(), 0, "{left:?}");
    assert_eq!(place.json("train run --resume --steps 5")["steps"], 5);
}
