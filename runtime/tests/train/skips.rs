//! Skipped updates, and losses that are NaN.

use super::guarded::broken_at;
use super::{config, last, read, resume, train, train_of};
use srvae::train::{Checkpoint, Config, metrics};
use std::path::Path;

#[test]
fn an_exploding_run_names_the_term_and_its_line_and_keeps_its_checkpoint() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    let schedule = srvae::train::Schedule { rate: 1e6, least: 1e6, ..Default::default() };
    let error = train(Config { schedule, ..config(50) }, &run).unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("RE_x is") && text.contains("line 5: `p(x | z)"), "{text}");
    assert!(last(&run).len() > 100);
}

/// A gradient norm that half of the steps stay below.
fn middle_norm(folder: &Path) -> f64 {
    let lines = metrics::read(&folder.join("metrics.jsonl")).unwrap();
    let mut norms: Vec<f64> = lines.iter().filter_map(|line| line["gradient_norm"].as_f64()).collect();
    norms.sort_by(f64::total_cmp);
    norms[norms.len() / 2]
}

#[test]
fn updates_that_are_left_out_are_counted_bounded_and_the_same_after_a_resume() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    train(config(24), &at("plain")).unwrap();
    let skip = |steps| Config { skip_above: Some(middle_norm(&at("plain"))), skip_limit: 100, ..config(steps) };
    train(skip(24), &at("whole")).unwrap();
    train(skip(13), &at("parts")).unwrap();
    resume(skip(24), &at("parts")).unwrap();
    let (whole, parts) = (read(&at("whole")), read(&at("parts")));
    assert!((1..24).contains(&whole.header.progress.skipped), "{:?}", whole.header.progress);
    assert_eq!(whole.header.progress, parts.header.progress);
    for group in ["param", "optimiser"] {
        let numbers = |checkpoint: &Checkpoint| -> Vec<Vec<f32>> {
            checkpoint.group(group).values().map(|value| value.flatten_all().unwrap().to_vec1().unwrap()).collect()
        };
        assert_eq!(numbers(&whole), numbers(&parts), "{group}");
    }
    let lines = metrics::read(&at("whole").join("metrics.jsonl")).unwrap();
    let last = lines.iter().rev().find_map(|line| line["skipped_updates"].as_u64()).unwrap();
    assert_eq!(last as usize, whole.header.progress.skipped);
    // Without a limit that is reached, a run without updates would never end.
    let never = Config { skip_above: Some(1e-9), skip_limit: 5, ..config(1000) };
    let text = format!("{:#}", train(never, &at("never")).unwrap_err());
    assert!(
        text.contains("6 of 6 updates were skipped, the last 6 in a row") && text.contains("--skip-limit 5"),
        "{text}"
    );
    let schedule = srvae::train::Schedule { rate: 1e6, least: 1e6, ..Default::default() };
    // A validation during the run would end it before, because with such parameters the likelihood is NaN.
    let broken = Config { schedule, skip_above: Some(1e9), validate_every: 1000, ..config(1000) };
    let text = format!("{:#}", train(broken, &at("broken")).unwrap_err());
    assert!(text.contains("in a row"), "{text}");
}

/// A run of 40 steps, some of whose losses are NaN: the number of skipped steps, or the message.
fn with_broken_steps(steps: &'static [usize], limit: usize, folder: &Path) -> Result<(usize, usize), String> {
    let how = Config { skip_above: Some(1e9), skip_limit: limit, ..config(40) };
    train_of(&broken_at(steps), how, folder).map_err(|error| format!("{error:#}"))?;
    let progress = read(folder).header.progress;
    assert_eq!(progress.step, 40);
    Ok((progress.skipped, progress.skipped_in_a_row))
}

#[test]
fn losses_that_are_not_numbers_are_bounded_in_a_row_and_in_all() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    assert_eq!(with_broken_steps(&[31, 32], 2, &run), Ok((2, 0)));
    // Five of 35 are allowed: two by the limit and three more, a tenth of all.
    assert_eq!(with_broken_steps(&[31, 32, 34, 35], 2, &run), Ok((4, 0)));
    assert_eq!(with_broken_steps(&[39, 40], 2, &run), Ok((2, 2)));
    for (steps, words) in [
        // Three of 33 are allowed, but not three in succession.
        ([31, 32, 33].as_slice(), "step 33: 3 of 33 updates were skipped, the last 3 in a row"),
        (&[2, 4, 6], "step 6: 3 of 6 updates were skipped, the last 1 in a row"),
    ] {
        let said = with_broken_steps(steps, 2, &run).unwrap_err();
        assert!(said.contains(words), "{said}");
    }
    // If none may be skipped, the first one ends the run.
    let said = format!("{:#}", train_of(&broken_at(&[3]), config(40), &run).unwrap_err());
    assert!(said.contains("step 3") && said.contains("RE_x is NaN"), "{said}");
}
