//! Sequences: damped pendulums, and music on a few keys. Both have records of different lengths.

use super::table::{Use, normal, random};
use rand::RngExt;
use std::f32::consts::TAU;

/// Steps of the longest sequence if the model does not state it.
pub const STEPS: usize = 16;
/// Notes of the chords of a piece, as keys within an octave of seven.
const CHORDS: [[usize; 3]; 4] = [[0, 2, 4], [4, 6, 1], [5, 0, 2], [3, 5, 0]];
/// Steps of a chord.
const BAR: usize = 4;

/// The number of steps of a record: uniform between half of `most` and `most`.
pub fn length(most: usize, index: usize) -> usize {
    random(Use::Length, index, 0).random_range(most.div_ceil(2).max(1) as u64..=most.max(1) as u64) as usize
}

/// A damped pendulum `[steps, size]`: each number of a step is another mixture of angle and velocity, measured with
/// noise. The class is its frequency; amplitude and phase differ between records. Zero after the record's end.
pub fn pendulum(steps: usize, size: usize, index: usize, view: usize, class: usize) -> Vec<f32> {
    let mut hidden = random(Use::Hidden, index, 0);
    let (amplitude, phase) = (1.0 + 0.3 * normal(&mut hidden), TAU * hidden.random::<f32>());
    let frequency = TAU / (5.0 + class as f32);
    let mut noise = random(Use::Record, index, view + 3000);
    let mut numbers = vec![0.0; steps * size];
    for (step, row) in numbers.chunks_mut(size.max(1)).enumerate().take(length(steps, index)) {
        let (time, decay) = (step as f32, (-0.04 * step as f32).exp());
        for (at, number) in row.iter_mut().enumerate() {
            let mixture = TAU * at as f32 / (2 * size) as f32;
            *number = amplitude * decay * (frequency * time + phase + mixture).cos() + 0.1 * normal(&mut noise);
        }
    }
    numbers
}

/// A piece `[steps, keys]` of 0 and 1: the notes of four chords, one after the other, and a melody that moves between
/// neighbouring keys. The class is the key of the piece. Silence after the record's end.
pub fn music(steps: usize, keys: usize, index: usize, view: usize, class: usize) -> Vec<u8> {
    let mut chance = random(Use::Record, index, view + 4000);
    let first = chance.random_range(0..CHORDS.len() as u64) as usize;
    let mut melody = chance.random_range(0..keys.max(1) as u64) as usize;
    let mut piece = vec![0; steps * keys];
    for (step, notes) in piece.chunks_mut(keys.max(1)).enumerate().take(length(steps, index)) {
        let chord = CHORDS[(first + step / BAR) % CHORDS.len()];
        for (key, note) in notes.iter_mut().enumerate() {
            let is_of_chord = chord.contains(&((key + class) % 7));
            *note = u8::from(is_of_chord && chance.random::<f32>() < 0.85);
        }
        melody = (melody + chance.random_range(0..3u64) as usize + keys - 1) % keys.max(1);
        notes[melody] = 1;
    }
    piece
}

/// A word for each place: mostly the successor of the last word by the class's rule, otherwise a random one. The first
/// word after the record's end.
pub fn words(places: usize, classes: usize, index: usize, view: usize, class: usize) -> Vec<u32> {
    let mut chance = random(Use::Record, index, view + 5000);
    let mut words = vec![0; places];
    let mut last = chance.random_range(0..classes.max(1) as u64) as usize;
    for word in words.iter_mut().take(length(places, index)) {
        let follows = chance.random::<f32>() < 0.75;
        let any = chance.random_range(0..classes.max(1) as u64) as usize;
        last = if follows { (3 * last + class + 1) % classes.max(1) } else { any };
        *word = last as u32;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_comes_after_a_record_s_length() {
        let mut lengths = [0; 17];
        for index in 0..300 {
            let length = length(16, index);
            lengths[length] += 1;
            let (swings, piece) = (pendulum(16, 2, index, 0, 3), music(16, 8, index, 0, 3));
            assert!(swings[2 * length..].iter().all(|&number| number == 0.0));
            assert!(swings[..2 * length].iter().all(|&number| number != 0.0));
            let said = words(16, 50, index, 0, 3);
            assert!(said[length..].iter().all(|&word| word == 0) && said.iter().all(|&word| word < 50));
            assert!(piece[8 * length..].iter().all(|&note| note == 0));
            assert!(piece[..8 * length].chunks(8).all(|notes| notes.contains(&1)));
        }
        assert!(lengths[..8].iter().all(|&count| count == 0) && lengths[8..].iter().all(|&count| count > 10));
        assert_eq!([length(1, 5), length(0, 5)], [1, 1]);
    }
}
