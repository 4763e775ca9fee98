//! Products of whole numbers, which f32 holds exactly, in every shape of a tile.

use super::{Left, Out, Right, product};

/// Small whole numbers, other ones for each seed.
fn whole(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|at| ((at * 7 + seed * 13 + at / 11) % 9) as f32 - 4.0).collect()
}

/// Room between rows, whose values stay as they are.
const APART: usize = 5;

#[test]
fn every_tile_is_the_sum_of_its_products() {
    for columns in [8, 16, 24, 32, 40, 56, 64, 72, 136] {
        for rows in (1..=13).chain([24, 25, 64]) {
            for (depth, transposed, add) in [(1, false, false), (16, true, true), (37, false, true), (37, true, false)]
            {
                check([rows, columns, depth], transposed, add);
            }
        }
    }
}

fn check([rows, columns, depth]: [usize; 3], transposed: bool, add: bool) {
    let (a, b, before) = (whole(rows * depth, 1), whole(depth * columns, 2), whole(rows * (columns + APART), 3));
    let (row, column) = if transposed { (1, rows) } else { (depth, 1) };
    let mut out = before.clone();
    let left = Left { at: a.as_ptr(), row, column };
    // SAFETY: the vectors hold the matrices.
    unsafe {
        let right = Right { at: b.as_ptr(), row: columns, next: None };
        product([rows, columns, depth], left, right, Out { at: out.as_mut_ptr(), row: columns + APART }, add);
    }
    for (at, (value, before)) in out.iter().zip(&before).enumerate() {
        let (i, j) = (at / (columns + APART), at % (columns + APART));
        let sum: f32 = (0..depth).map(|k| a[i * row + k * column] * b[k * columns + j.min(columns - 1)]).sum();
        let expected = if j >= columns { *before } else { sum + if add { *before } else { 0.0 } };
        assert_eq!(*value, expected, "{rows} by {columns}, depth {depth}, at {i}, {j}");
    }
}
