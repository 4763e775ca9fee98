//! Counts of successes among trials that the data state.

use super::support::Place;
use std::fs;

const MODEL: &str = "model trials\ngiven n: count[2]\nobserved x: count[2]\nlatent z: real[2]\np(z) = standard_normal\n\
    p(x | z, n) = binomial(trials: n) from z |> linear\nq(z | x, n) = normal from concat(x / (n + 1), n |> log1p) |> linear\n";

fn place(rows: &[&str]) -> Place {
    let place = Place::new();
    fs::write(place.path("trials.pgm"), MODEL).unwrap();
    fs::write(place.path("data.csv"), format!("n_1,n_2,x_1,x_2\n{}\n", rows.join("\n"))).unwrap();
    place
}

const BIND: &str = "--data data.csv --bind n=n_1,n_2 --bind x=x_1,x_2 --steps 2 --batch 4 --out run";

#[test]
fn a_record_with_more_successes_than_trials_is_named() {
    let rows = ["5,3,5,0", "4,9,2,8", "0,1,0,1", "8,8,3,4", "6,2,1,2", "7,7,7,7", "3,3,1,0", "2,5,0,5", "9,1,4,1"];
    let good = place(&rows);
    good.json(&format!("train trials.pgm {BIND}"));
    let mut rows = rows;
    rows[4] = "6,2,1,3";
    let bad = place(&rows);
    bad.fails(&format!("train trials.pgm {BIND}"), &["line 6", "`x` is 3, more than its trials `n`, 2"]);
}

/// More successes than trials are impossible, whichever of the two is given.
#[test]
fn impossible_successes_are_no_evidence() {
    let place = place(&[]);
    place.json("train trials.pgm --steps 2 --batch 4 --out run");
    let words = ["--given x=9", "`x` counts successes of 3 trials (`n`): a whole number from 0 to 3"];
    place.fails("sample run --given x=9,0 --given n=3,3 --out x.npz", &words);
    place.fails("reconstruct run --given x=9,0 --given n=3,3 --out x.npz", &words);
    place.json("sample run --given x=3,0 --given n=3,3 --out x.npz");
    // A number of trials in the file.
    let text = "model three\nobserved y: count[1]\nlatent z: real[1]\np(z) = standard_normal\n\
        p(y | z) = binomial(trials: 3) from z |> linear\nq(z | y) = normal from y |> linear\n";
    fs::write(place.path("three.pgm"), text).unwrap();
    place.json("train three.pgm --steps 2 --batch 4 --out three");
    place.fails(
        "sample three --given y=9 --out y.npz",
        &["--given y=9: `y` counts successes of 3 trials: a whole number from 0 to 3"],
    );
    place.json("sample three --given y=3 --out y.npz");
}

/// The built-in data have at most as many successes as trials, so that the bound is finite.
#[test]
fn built_in_data_have_enough_trials() {
    let place = place(&[]);
    let said = place.run("check --deep trials.pgm");
    assert!(said.code == 0 && said.out.contains("every law holds"), "{}\n{}", said.out, said.err);
    let trained = place.json("train trials.pgm --steps 2 --batch 4 --out run");
    assert!(trained["test_after"].as_f64().unwrap().is_finite(), "{trained}");
}
