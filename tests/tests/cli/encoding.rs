//! `encode`: what is written without draws has no noise in it.

use crate::support::Place;
use srvae::arrays::{Array, Numbers, write_npz};
use srvae::data::formats::arrays::{named, numbers};
use std::fs;

/// Factors of q whose location is x itself, with so much noise that a draw would be far from it.
const WIDE: &str = "model wide\nobserved x: real[3]\nlatent z, v, s: real[3]\nlatent c: label[3]\n\
    p(z) = standard_normal\np(v | z) = normal from z |> linear\np(s) = standard_normal\np(c) = categorical\n\
    p(x | z, v, s, c) = normal from concat(z, v, s, c) |> linear\nq(z | x) = normal(mean: x, std: 50.0)\n\
    q(v | z) = normal(mean: z, std: 50.0)\nq(s | x) = laplace(mean: x, scale: 50.0)\nq(c | x) = categorical(logits: x)\n\
    draw c = straight_through\n";

/// The same for the steps of sequences.
const STEPS: &str = "model steps\nlength T\nindex t in 1..T\nobserved x[t]: real[2]\nlatent z[t]: real[2]\n\
    p(z[1]) = standard_normal\np(z[t] | z[t - 1]) = normal(mean: z[t - 1], std: 1.0)\n\
    p(x[t] | z[t]) = normal(mean: z[t], std: 1.0)\nq(z[t] | x[t]) = normal(mean: x[t], std: 50.0)\n";

fn values(place: &Place, name: &str) -> Vec<f64> {
    let arrays = named(&place.path("codes.npz")).unwrap();
    numbers(&arrays.iter().find(|(own, _)| own == name).unwrap().1)
}

/// Trains a model for one step, encodes these data, and returns the values of its test records.
fn encoded(place: &Place, text: &str, shape: &[usize]) -> Vec<f64> {
    let x: Vec<f32> = (0..shape.iter().product()).map(|at| (at as f32 * 0.7).sin()).collect();
    fs::write(place.path("m.pgm"), text).unwrap();
    let array = Array { name: "x".into(), shape: shape.to_vec(), values: Numbers::F32(x.clone()) };
    write_npz(&place.path("data.npz"), &[array]).unwrap();
    place.json("train m.pgm --data data.npz --steps 1 --batch 4 --out run");
    let found = place.json("encode run --draws 1 --out codes.npz");
    let (records, size) = (found["records"].as_u64().unwrap() as usize, x.len() / shape[0]);
    let z = values(place, "z");
    assert_eq!(z.len(), records * size);
    // The mean of z is x itself, so z says which records these are; the draws beside it are about 50 away.
    let own = |z: &[f64]| x.chunks(size).any(|x| x.iter().zip(z).all(|(x, z)| f64::from(*x) == *z));
    assert!(z.chunks(size).all(own), "{z:?}");
    assert!(values(place, "z_draws").iter().zip(&z).any(|(draw, mean)| (draw - mean).abs() > 5.0));
    z
}

#[test]
fn what_q_infers_is_encoded_without_noise() {
    let place = Place::new();
    let x = encoded(&place, WIDE, &[40, 3]);
    // In v, the mean given the mean of z; in s, the mean of a Laplace distribution.
    assert_eq!((values(&place, "v"), values(&place, "s")), (x.clone(), x.clone()));
    let likeliest =
        x.chunks(3).flat_map(|x| (0..3).map(|at| f64::from(u8::from((0..3).all(|other| x[other] <= x[at])))));
    assert_eq!(values(&place, "c"), likeliest.collect::<Vec<_>>());
}

#[test]
fn every_step_of_a_sequence_is_encoded_without_noise() {
    let place = Place::new();
    assert!(encoded(&place, STEPS, &[40, 5, 2]).len() > 5 * 2);
}
