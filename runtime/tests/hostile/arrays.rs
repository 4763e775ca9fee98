//! NumPy arrays, alone and in archives.

use super::{Choices, archives};

/// An archive of arrays, or a single array.
pub fn npz(choices: &mut Choices<'_>) -> Vec<u8> {
    if choices.once_in(4) {
        let array = npy(choices, &[2, 3]);
        return choices.damage(array);
    }
    let (rows, side) = (choices.below(4) as u64, choices.below(3) as u64);
    let shape = match choices.below(3) {
        0 => vec![rows, 3 * side * side],
        1 => vec![rows, 3, side, side],
        _ => vec![rows, side, side, 3],
    };
    let mut members = vec![("data.npy".to_owned(), npy(choices, &shape))];
    if choices.once_in(2) {
        members.push((choices.pick(&["labels.npy", "data.npy", "mean.npy"]).to_owned(), npy(choices, &[rows])));
    }
    archives::zip(choices, &members)
}

fn npy(choices: &mut Choices<'_>, shape: &[u64]) -> Vec<u8> {
    let descr = choices.pick(&[
        "|u1",
        "|u1",
        "|u1",
        "|u1",
        "|u1",
        "|u1",
        "<i8",
        ">f4",
        "|b1",
        "<c16",
        "|V18446744073709551615",
        "u",
        "",
    ]);
    let width = match descr {
        "<i8" => 8,
        ">f4" => 4,
        _ => 1,
    };
    let sizes: Vec<String> = shape.iter().map(|&size| choices.about(size).to_string()).collect();
    let order = choices.pick(&["False", "False", "False", "True", "True", "Maybe"]);
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({},), }}", sizes.join(", "));
    header += choices.pick(&["\n", "", "   \n", " \n", "\n", "'", "}"]);
    let version = choices.pick(&[1u8, 1, 1, 2, 3, 4]);
    let length = choices.about(header.len() as u64);
    let mut out = b"\x93NUMPY".to_vec();
    out.extend_from_slice(&[version, 0]);
    match version {
        1 => out.extend_from_slice(&(length as u16).to_le_bytes()),
        _ => out.extend_from_slice(&(length as u32).to_le_bytes()),
    }
    out.extend_from_slice(header.as_bytes());
    let count = choices.about(shape.iter().product::<u64>() * width).min(512) as usize;
    out.extend(choices.bytes(count));
    out
}
