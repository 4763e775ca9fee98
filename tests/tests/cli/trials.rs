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

/// The built-in data have at most as many successes as trials, so that the bound is finite.
#[test]
fn built_in_data_have_enough_trials() {
    let place = place(&[]);
    let said = place.run("check --deep trials.pgm");
    assert!(said.code == 0 && said.out.contains("every law holds"), "{}\n{}", said.out, said.err);
    let trained = place.json("train trials.pgm --steps 2 --batch 4 --out run");
    assert!(trained["test_after"].as_f64().unwrap().is_finite(), "{trained}");
}
