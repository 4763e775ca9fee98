//! Data sets of incomplete records: what is missing in each is inferred from what it has.

use crate::support::Place;
use srvae::arrays::{Array, Numbers, write_npz};
use srvae::data::formats::arrays::{named, numbers};
use std::fs;

/// x[i] = a z + noise. The product of the experts N(x / a, v / a²) and of the prior is the exact posterior.
const VIEWS: &str = "model views\nindex i in 1..3\nparam a[i] = [1.0, 0.5, 2.0]\npartly observed x[i]: real[1]\nlatent z: real[1]\n\
    p(z) = standard_normal\np(x[i] | z) = normal(mean: a[i] * z, var: 0.5)\n\
    q(z | x[1..3]) = (normal(mean: x[i] / a[i], var: 0.5 / (a[i] * a[i]))) * standard_normal for i in 1..3\n";
const MAPS: [f64; 3] = [1.0, 0.5, 2.0];
const RECORDS: usize = 40;
/// Those of a file beside the one for training. All of them are used.
const OTHERS: usize = 56;

/// What record `at` has: every set of gaps occurs.
fn record(at: usize) -> [Option<f32>; 3] {
    [0, 1, 2].map(|column| ((at >> column) % 2 == 1).then_some((at * 5 + column * 3) as f32 * 0.7).map(f32::sin))
}

fn trained() -> Place {
    let place = Place::new();
    fs::write(place.path("views.pgm"), VIEWS).unwrap();
    for (file, records) in [("data.npz", RECORDS), ("others.npz", OTHERS)] {
        let column = |column: usize| {
            let numbers = (0..records).map(|at| record(at)[column].unwrap_or(f32::NAN));
            Array {
                name: format!("x[{}]", column + 1),
                shape: vec![records, 1],
                values: Numbers::F32(numbers.collect()),
            }
        };
        write_npz(&place.path(file), &[column(0), column(1), column(2)]).unwrap();
    }
    place.json("train views.pgm --data data.npz --steps 1 --batch 4 --out run");
    place
}

fn values(place: &Place, file: &str, name: &str) -> Vec<f64> {
    let arrays = named(&place.path(file)).unwrap();
    numbers(&arrays.iter().find(|(own, _)| own == name).unwrap().1)
}

/// The mean of z given what a record has.
fn posterior(record: &[Option<f32>; 3]) -> f64 {
    let (mut precision, mut sum) = (1.0, 0.0);
    for (x, map) in record.iter().zip(MAPS).filter_map(|(x, map)| Some((f64::from((*x)?), map))) {
        precision += map * map / 0.5;
        sum += map * x / 0.5;
    }
    sum / precision
}

/// Sums and quotients of some numbers in f32.
const ROUNDING: f64 = 1e-5;

#[test]
fn gaps_are_filled_given_what_each_record_has() {
    let place = trained();
    let found = place.json("impute run --data others.npz --draws 3 --out all.npz");
    assert_eq!(
        (&found["records"], &found["arrays"]["x[2]_draws"]),
        (&OTHERS.into(), &serde_json::json!([OTHERS, 3, 1]))
    );
    let (number, mut gaps) = (values(&place, "all.npz", "number"), 0);
    for (column, map) in MAPS.into_iter().enumerate() {
        let name = format!("x[{}]", column + 1);
        let (means, draws) = (values(&place, "all.npz", &name), values(&place, "all.npz", &format!("{name}_draws")));
        for (row, number) in number.iter().enumerate() {
            let (record, draws) = (record(*number as usize), &draws[3 * row..3 * row + 3]);
            if let Some(own) = record[column].map(f64::from) {
                assert!(means[row] == own && draws.iter().all(|draw| *draw == own), "{name} of {record:?}");
                continue;
            }
            gaps += 1;
            let wanted = map * posterior(&record);
            assert!((means[row] - wanted).abs() < ROUNDING, "{name} of {record:?}: {} for {wanted}", means[row]);
            assert!(draws[0] != draws[1] && draws[1] != draws[2], "{name} of {record:?}: {draws:?}");
        }
    }
    assert!(gaps > OTHERS, "{gaps}");
}

/// The other commands use what a record has, too, and say which record a row is.
#[test]
fn codes_and_reconstructions_are_given_what_each_record_has() {
    let place = trained();
    place.json("encode run --data others.npz --out codes.npz");
    place.json("reconstruct run --temperature 0 --decode mean --out again.npz");
    for file in ["codes.npz", "again.npz"] {
        let (z, number) = (values(&place, file, "z"), values(&place, file, "number"));
        assert_eq!(z.len(), number.len());
        for (z, number) in z.iter().zip(number) {
            let record = record(number as usize);
            let wanted = posterior(&record);
            assert!((z - wanted).abs() < ROUNDING, "{file}: {z} for {wanted}, {record:?}");
        }
    }
    // A value of --given takes the place of a missing one.
    place.json("reconstruct run --temperature 0 --given x[2]=0.3 --out given.npz");
    for (z, number) in values(&place, "given.npz", "z").iter().zip(values(&place, "given.npz", "number")) {
        let [first, _, third] = record(number as usize);
        assert!((z - posterior(&[first, Some(0.3), third])).abs() < ROUNDING);
    }
}

#[test]
fn numbers_are_no_sheets() {
    let place = trained();
    place.fails("reconstruct run", &["nothing that can be shown as an image", "--out FILE.npz", "srvae-run impute"]);
    let words = ["arrays of", "results", "use a smaller --count or fewer --draws"];
    place.fails("reconstruct run --draws 100000000000 --out much.npz", &words);
}

/// Steps after the end of a record are not missing.
#[test]
fn padding_is_not_counted_as_missing() {
    let place = Place::new();
    let text = "model steps\nlength T\nindex t in 1..T\npartly observed x[t]: real[1]\nlatent z[t]: real[1]\np(z[t]) = standard_normal\n\
        p(x[t] | z[t]) = normal(mean: z[t], std: 0.5)\nq(z[t] | x[t]) = normal from known(x[t]) |> linear\n";
    fs::write(place.path("steps.pgm"), text).unwrap();
    for (file, records) in [("data.npz", 24), ("others.npz", RECORDS)] {
        let lengths = (0..records).map(|at| (at % 4 + 1) as f32).collect();
        // NaN after the end, and at the first step of every fifth record.
        let value =
            |at: usize, step: usize| if step > at % 4 || step == 0 && at.is_multiple_of(5) { f32::NAN } else { 0.1 };
        let x = (0..records).flat_map(|at| (0..4).map(move |step| value(at, step))).collect();
        let arrays = [
            Array { name: "x".into(), shape: vec![records, 4, 1], values: Numbers::F32(x) },
            Array { name: "T".into(), shape: vec![records], values: Numbers::F32(lengths) },
        ];
        write_npz(&place.path(file), &arrays).unwrap();
    }
    place.json("train steps.pgm --data data.npz --steps 1 --batch 4 --out run");
    let said = place.run("encode run --data others.npz --out codes.npz");
    // 1 + 2 + 3 + 4 steps of each four records, of which eight records lack one.
    assert!(said.err.contains("x: 92 of 100 steps have a value"), "{}", said.err);
}
