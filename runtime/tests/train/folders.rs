//! Run folders and their contents: locks, other folders, damaged files, a folder that disappears.

use super::{config, last, read, resume, train};
use crate::toy;
use srvae::Device;
use srvae::train::{Checkpoint, RunFolder, metrics};

#[test]
fn a_run_folder_in_use_is_moved_aside() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    train(config(3), &run).unwrap();
    train(config(4), &run).unwrap();
    assert_eq!(read(&run).header.progress.step, 4);
    assert_eq!(read(&place.path().join("run.old-1")).header.progress.step, 3);
}

#[test]
fn the_remains_of_an_interrupted_write_are_removed() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    train(config(3), &run).unwrap();
    let remains = [run.join(".partial-a"), run.join("checkpoints/.partial-b")];
    let own = run.join("checkpoints/notes");
    remains.iter().chain([&own]).for_each(|path| std::fs::write(path, "x").unwrap());
    resume(config(4), &run).unwrap();
    assert!(remains.iter().all(|path| !path.exists()) && own.exists());
    assert_eq!(read(&run).header.progress.step, 4);
}

#[test]
fn a_checkpoint_of_another_model_is_refused_with_the_difference() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    train(config(3), &run).unwrap();
    let checkpoint = read(&run);
    let mut spec = toy::spec();
    spec.source = spec.source.replace("standard_normal", "real_nvp(scales: 2)");
    let text = format!("{:#}", checkpoint.check_model(&spec.name, &spec.source, &spec.settings, &run).unwrap_err());
    assert!(text.contains("p(z): `p(z) = standard_normal` there, `p(z) = real_nvp(scales: 2)` here"), "{text}");
    spec.name = "other".into();
    let text = format!("{:#}", checkpoint.check_model(&spec.name, &spec.source, &spec.settings, &run).unwrap_err());
    assert!(text.contains("it is of model `toy`, this is `other`"), "{text}");
}

#[test]
fn a_damaged_checkpoint_is_one_clear_error() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    train(config(3), &run).unwrap();
    let whole = last(&run);
    for (bytes, what) in
        [(&whole[..whole.len() / 2], "damaged, cut short"), (b"hello".as_slice(), "damaged, cut short")]
    {
        std::fs::write(RunFolder::at(&run).last(), bytes).unwrap();
        let text = format!("{:#}", Checkpoint::load(&RunFolder::at(&run).last(), &Device::Cpu).unwrap_err());
        assert!(text.contains(what) && text.contains("last.safetensors"), "{text}");
    }
}

#[test]
fn one_process_trains_in_a_folder_and_a_stale_lock_is_no_obstacle() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    train(config(3), &run).unwrap();
    let held = RunFolder::at(&run).locked().unwrap();
    for refused in [train(config(3), &run), resume(config(5), &run)] {
        let text = format!("{:#}", refused.unwrap_err());
        assert!(text.contains(&format!("process {} on ", std::process::id())), "{text}");
        assert!(text.contains("is training into this run folder"), "{text}");
    }
    assert!(!place.path().join("run.old-1").exists() && read(&run).header.progress.step == 3);
    drop(held);
    assert!(!run.join(".lock").exists());
    // What a killed process leaves: the file without a lock.
    std::fs::write(run.join(".lock"), r#"{"process":4194304,"machine":"elsewhere"}"#).unwrap();
    resume(config(5), &run).unwrap();
    assert_eq!(read(&run).header.progress.step, 5);
}

#[test]
fn a_folder_of_something_else_is_refused_and_stays_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    let thesis = place.path().join("thesis");
    std::fs::create_dir(&thesis).unwrap();
    std::fs::write(thesis.join("config.json"), "{}").unwrap();
    let text = format!("{:#}", train(config(3), &thesis).unwrap_err());
    assert!(text.contains("thesis") && text.contains("not a run folder"), "{text}");
    let names: Vec<_> = std::fs::read_dir(&thesis).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["config.json"]);
    let empty = place.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    train(config(3), &empty).unwrap();
}

#[test]
#[cfg(unix)]
fn a_run_that_loses_its_folder_is_kept_beside_it() {
    let place = tempfile::tempdir().unwrap();
    let (run, gone) = (place.path().join("run"), place.path().join("gone"));
    let mover = std::thread::spawn({
        let (run, gone) = (run.clone(), gone.clone());
        move || {
            while !RunFolder::at(&run).last().exists() {
                std::thread::yield_now();
            }
            std::fs::rename(run, gone).unwrap();
        }
    });
    let text = format!("{:#}", train(config(1_000_000), &run).unwrap_err());
    mover.join().unwrap();
    assert!(text.contains("was moved, deleted or replaced") && text.contains("run.rescued-1"), "{text}");
    let kept = read(&place.path().join("run.rescued-1")).header.progress.step;
    assert!(read(&gone).header.progress.step <= kept);
    resume(config(kept + 2), &place.path().join("run.rescued-1")).unwrap();
}

#[test]
fn damaged_lines_of_metrics_are_said_and_kept_aside() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    train(config(5), &run).unwrap();
    let path = run.join("metrics.jsonl");
    let whole = std::fs::read_to_string(&path).unwrap();
    let damaged = whole.replacen("\"step\":2", "\"st", 1) + "{\"step\":5,\"cut of";
    std::fs::write(&path, &damaged).unwrap();
    let (lines, all) = (metrics::read(&path).unwrap().len(), whole.lines().count());
    assert_eq!(lines, all - 1);
    resume(config(8), &run).unwrap();
    assert_eq!(std::fs::read_to_string(run.join("metrics.jsonl.damaged")).unwrap(), damaged);
    let steps: Vec<u64> = metrics::read(&path)
        .unwrap()
        .iter()
        .filter(|line| line["terms"].is_object())
        .filter_map(|line| line["step"].as_u64())
        .collect();
    assert_eq!(steps, [1, 3, 4, 5, 6, 7, 8]);
}
