//! The records that `encode` and `eval` read: parts of the run's own data and of other data.

use crate::support::Place;
use serde_json::Value;
use srvae::data::formats::arrays::{named, numbers};
use std::fs;

/// The mean of z is x itself, so the encoded values say which records were read.
const MODEL: &str = "model copy\nobserved x: real[1]\nlatent z: real[1]\np(z) = standard_normal\n\
    p(x | z) = normal from z |> linear\nq(z | x) = normal(mean: x, std: 1.0)\n";

/// A table in which the number of each record is its value. `part` is the record's cell in a column `split`.
fn table(place: &Place, name: &str, count: usize, part: Option<&str>) {
    let (head, part) = part.map_or(("x", String::new()), |part| ("split,x", format!("{part},")));
    let lines: String = (0..count).map(|number| format!("{part}{number}\n")).collect();
    fs::write(place.path(name), format!("{head}\n{lines}")).unwrap();
}

fn trained() -> Place {
    let place = Place::new();
    fs::write(place.path("m.pgm"), MODEL).unwrap();
    table(&place, "data.csv", 40, None);
    place.json("train m.pgm --data data.csv --steps 1 --batch 4 --out run");
    place
}

/// The numbers of the records that a command encodes.
fn encoded(place: &Place, options: &str) -> Vec<u64> {
    place.json(&format!("encode run --draws 0 --out codes.npz {options}"));
    let arrays = named(&place.path("codes.npz")).unwrap();
    numbers(&arrays.iter().find(|(name, _)| name == "z").unwrap().1).into_iter().map(|number| number as u64).collect()
}

fn division(place: &Place) -> [Vec<u64>; 3] {
    let kept: Value = serde_json::from_slice(&fs::read(place.path("run/split.json")).unwrap()).unwrap();
    ["train", "validation", "test"]
        .map(|part| kept["division"][part].as_array().unwrap().iter().map(|at| at.as_u64().unwrap()).collect())
}

#[test]
fn every_part_of_the_runs_own_data_can_be_encoded() {
    let place = trained();
    let [train, validation, test] = division(&place);
    // A tenth of 40 is for testing, a fifth of the others for validation.
    assert_eq!([train.len(), validation.len(), test.len()], [29, 7, 4]);
    for data in ["", " --data data.csv"] {
        assert_eq!(encoded(&place, data), test);
        assert_eq!(encoded(&place, &format!("--part test{data}")), test);
        assert_eq!(encoded(&place, &format!("--part val{data}")), validation);
        assert_eq!(encoded(&place, &format!("--part train{data}")), train);
    }
    // A sample of the training records, which are in the order of the file.
    let some = encoded(&place, "--part train --images 5");
    assert!(some.len() == 5 && some != train[..5] && some.iter().all(|number| train.contains(number)), "{some:?}");
}

#[test]
fn another_division_is_followed_or_refused() {
    let place = trained();
    let words = ["--split 0.5", "divided as its split.json states", "--part"];
    place.fails("encode run --out codes.npz --split 0.5", &words);
    place.fails("eval run --k 1 --data data.csv --split 0.5", &words);
    fs::write(place.path("parts.json"), r#"{"train": [9, 3], "val": [5], "test": [30, 2, 8]}"#).unwrap();
    let own = "--data data.csv --indices parts.json";
    assert_eq!(encoded(&place, own), [30, 2, 8]);
    assert_eq!(encoded(&place, &format!("{own} --part val")), [5]);
    assert_eq!(encoded(&place, &format!("{own} --part train")), [9, 3]);
    // Other data are used whole, unless a division is asked for.
    table(&place, "other.csv", 31, None);
    assert_eq!(encoded(&place, "--data other.csv"), (0..31).collect::<Vec<_>>());
    assert_eq!(encoded(&place, "--data other.csv --indices parts.json").len(), 3);
    let parts = ["test", "val", "train"].map(|part| {
        let found = place.json(&format!("eval run --k 1 --data other.csv --split 0.5 --part {part}"));
        found["images"].as_u64().unwrap()
    });
    // A tenth of 31 for testing, half of the others for validation.
    assert_eq!(parts, [3, 14, 14]);
    place.fails("encode run --out codes.npz --data other.csv --part val", &["--part val", "has no validation part"]);
    place.fails("encode run --out codes.npz --data builtin --indices parts.json", &["--indices", "their own parts"]);
}

#[test]
fn data_of_test_records_alone_need_no_others() {
    let place = trained();
    table(&place, "test.csv", 6, Some("test"));
    assert_eq!(encoded(&place, "--data test.csv"), [0, 1, 2, 3, 4, 5]);
    place.fails("train m.pgm --data test.csv --steps 1 --out other", &["test.csv", "no records to train on"]);
}

#[test]
fn an_evaluation_of_training_records_is_not_that_of_the_test_records() {
    let place = trained();
    let test = place.json("eval run --k 1");
    let kept = fs::read(place.path("run/evaluation.json")).unwrap();
    let train = place.json("eval run --k 1 --part train");
    assert_eq!((&test["part"], &train["part"]), (&"test".into(), &"train".into()));
    assert_eq!((test["images"].as_u64(), train["images"].as_u64()), (Some(4), Some(29)));
    assert_eq!(fs::read(place.path("run/evaluation.json")).unwrap(), kept);
    assert!(place.path("run/evaluation-data.csv-train.json").exists());
    assert!(place.run("eval run --k 1 --part train").out.contains("29 training records of data.csv"));
}
