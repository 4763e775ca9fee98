//! Sequences of images.

use super::missing::load;
use super::names::{floats, npy, npz, values};
use super::spec;
use srvae::spec::{Space, Spec};
use std::path::Path;

const STEPS: usize = 3;
const CHANNELS: usize = 3;
const SIDE: usize = 4;
const SIZE: usize = CHANNELS * SIDE * SIDE;
const RECORDS: usize = 2;

fn films(space: Space) -> Spec {
    let mut spec = spec(&[("x", space, &[STEPS, CHANNELS, SIDE, SIDE])]);
    spec.variables.iter_mut().for_each(|variable| variable.steps = true);
    spec
}

/// The level of a pixel: all are different.
fn level(record: usize, step: usize, [channel, y, x]: [usize; 3]) -> u8 {
    (((record * STEPS + step) * CHANNELS + channel) * 16 + y * SIDE + x) as u8 % 251
}

/// The levels of all records in an order of the axes of a frame.
fn levels(order: [usize; 3]) -> Vec<u8> {
    let sizes = [CHANNELS, SIDE, SIDE];
    let mut all = Vec::new();
    for record in 0..RECORDS {
        for step in 0..STEPS {
            for at in 0..SIZE {
                let (outer, rest) =
                    (at / (sizes[order[1]] * sizes[order[2]]), at % (sizes[order[1]] * sizes[order[2]]));
                let mut place = [0; 3];
                (place[order[0]], place[order[1]], place[order[2]]) =
                    (outer, rest / sizes[order[2]], rest % sizes[order[2]]);
                all.push(level(record, step, place));
            }
        }
    }
    all
}

fn read(path: &Path, spec: &Spec, array: Vec<u8>) -> anyhow::Result<Vec<Vec<f32>>> {
    npz(path, &[("x", array)]);
    let data = load(path, spec, &[])?;
    Ok(values(spec, &data, "x").into_values().collect())
}

#[test]
fn frames_of_films_are_read_in_every_layout() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("films.npz");
    let spec = films(Space::Image);
    let planes = [0, 1, 2];
    let wanted: Vec<Vec<f32>> = levels(planes)
        .chunks(STEPS * SIZE)
        .map(|film| film.iter().map(|level| f32::from(*level) / 255.0).collect())
        .collect();
    let bytes = |shape: &[usize], order| npy("|u1", &[&[RECORDS, STEPS], shape].concat(), &levels(order));
    assert_eq!(read(&path, &spec, bytes(&[CHANNELS, SIDE, SIDE], planes)).unwrap(), wanted);
    assert_eq!(read(&path, &spec, bytes(&[SIDE, SIDE, CHANNELS], [1, 2, 0])).unwrap(), wanted);
    assert_eq!(read(&path, &spec, bytes(&[SIZE], planes)).unwrap(), wanted);
    assert_eq!(read(&path, &spec, npy("|u1", &[RECORDS, STEPS * SIZE], &levels(planes))).unwrap(), wanted);
    let shares = floats(levels(planes).into_iter().map(|level| f32::from(level) / 255.0));
    let shares = npy("<f4", &[RECORDS, STEPS, CHANNELS, SIDE, SIDE], &shares);
    assert_eq!(read(&path, &spec, shares).unwrap(), wanted);
}

/// Bytes of a binary sequence keep their places, whatever the shape of a frame.
#[test]
fn binary_frames_are_not_resized_as_one_picture() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("films.npz");
    let bits: Vec<u8> = levels([0, 1, 2]).into_iter().map(|level| level % 2).collect();
    let found = read(&path, &films(Space::Binary), npy("|u1", &[RECORDS, STEPS, CHANNELS, SIDE, SIDE], &bits)).unwrap();
    assert_eq!(found.concat(), bits.into_iter().map(f32::from).collect::<Vec<_>>());
}

#[test]
fn films_that_do_not_fit_are_refused_with_the_shape_that_would() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("films.npz");
    let spec = films(Space::Image);
    let said = |array| format!("{:#}", read(&path, &spec, array).unwrap_err());
    let short = npy("|u1", &[RECORDS, 2, CHANNELS, SIDE, SIDE], &levels([0, 1, 2])[..RECORDS * 2 * SIZE]);
    let found = said(short);
    assert!(found.contains("records have shape [2, 3, 4, 4]; expected [3, 3, 4, 4], 3 images each"), "{found}");
    let mut numbers: Vec<f32> = levels([0, 1, 2]).into_iter().map(f32::from).collect();
    numbers[STEPS * SIZE + 2 * SIZE + 7] = 300.0;
    let found = said(npy("<f4", &[RECORDS, STEPS, CHANNELS, SIDE, SIDE], &floats(numbers)));
    assert!(found.contains("record 1, step 3 has the value 300"), "{found}");
}

/// Of many records, each part of the data set has some; messages have the number in the data set.
#[test]
fn a_frame_of_a_part_is_named_by_its_number_in_the_data_set() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("films.npz");
    for wrong in [0, 6, 13, 21] {
        let mut numbers = vec![0.5f32; 22 * STEPS * SIZE];
        numbers[wrong * STEPS * SIZE + SIZE + 1] = -1.0;
        let array = npy("<f4", &[22, STEPS, CHANNELS, SIDE, SIDE], &floats(numbers));
        let found = format!("{:#}", read(&path, &films(Space::Image), array).unwrap_err());
        assert!(found.contains(&format!("record {wrong}, step 2 has the value -1")), "{found}");
    }
}
