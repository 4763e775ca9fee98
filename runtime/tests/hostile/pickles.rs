//! Pickles: programs of arbitrary instructions, batches of images, and PyTorch checkpoints.

use super::Choices;
use super::archives;

const PLAIN: &[u8] = b".(N\x88\x89])}ltdaesu\x85\x86\x87\x93R\x81bQ\x94";
/// Globals that readers know, and one that they must reject.
const GLOBALS: [(&str, &str); 8] = [
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch", "FloatStorage"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
    ("collections", "OrderedDict"),
    ("os", "system"),
];

/// A program of up to a hundred instructions.
pub fn program(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut out = vec![0x80, choices.pick(&[2, 2, 3, 4, 5, 0, 9])];
    for _ in 0..choices.below(100) {
        instruction(choices, &mut out);
    }
    out.push(b'.');
    choices.damage(out)
}

fn instruction(choices: &mut Choices<'_>, out: &mut Vec<u8>) {
    match choices.below(8) {
        0..=3 => out.push(choices.pick(PLAIN)),
        4 => integer(choices.size() as i64, out),
        5 => {
            let length = choices.below(6);
            let text = choices.bytes(length);
            let (code, width) = choices.pick(&[
                (b'U', 1),
                (b'C', 1),
                (b'T', 4),
                (b'B', 4),
                (0x8e, 8),
                (0x8c, 1),
                (b'X', 4),
                (0x8d, 8),
                (0x8a, 1),
            ]);
            out.push(code);
            out.extend_from_slice(&choices.about(length as u64).to_le_bytes()[..width]);
            out.extend(text);
        }
        6 => {
            let (module, name) = choices.pick(&GLOBALS);
            global(module, name, out);
        }
        _ => {
            let (code, width) =
                choices.pick(&[(b'q', 1), (b'h', 1), (b'r', 4), (b'j', 4), (0x95, 8), (b'G', 8), (0x80, 1)]);
            out.push(code);
            out.extend_from_slice(&(choices.below(8) as u64).to_le_bytes()[..width]);
        }
    }
}

fn integer(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0x8a, 8]);
    out.extend_from_slice(&number.to_le_bytes());
}

fn global(module: &str, name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("c{module}\n{name}\n").as_bytes());
}

fn text(text: &str, out: &mut Vec<u8>) {
    out.push(b'X');
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// A tuple of whole numbers.
fn tuple(numbers: &[u64], out: &mut Vec<u8>) {
    out.push(b'(');
    numbers.iter().for_each(|&number| integer(number as i64, out));
    out.push(b't');
}

/// Sometimes a wrong instruction.
fn stray(choices: &mut Choices<'_>, out: &mut Vec<u8>) {
    if choices.once_in(30) {
        instruction(choices, out);
    }
}

/// A dictionary with `data` and `labels`, as in CIFAR-10.
pub fn batch(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut out = b"\x80\x02}(".to_vec();
    let rows = choices.below(4) as u64;
    let side = choices.below(3) as u64;
    let columns = 3 * side * side;
    text("data", &mut out);
    array(choices, &[rows, columns], &mut out);
    stray(choices, &mut out);
    text("labels", &mut out);
    match choices.below(3) {
        0 => array(choices, &[rows], &mut out),
        _ => {
            out.extend_from_slice(b"](");
            (0..choices.about(rows).min(9)).for_each(|_| integer(choices.size() as i64, &mut out));
            out.push(b'e');
        }
    }
    out.extend_from_slice(b"u.");
    choices.damage(out)
}

fn array(choices: &mut Choices<'_>, shape: &[u64], out: &mut Vec<u8>) {
    let said: Vec<u64> = shape.iter().map(|&size| choices.about(size)).collect();
    global("numpy.core.multiarray", "_reconstruct", out);
    global("numpy", "ndarray", out);
    tuple(&[0], out);
    text("b", out);
    out.extend_from_slice(b"\x87R(K\x01");
    tuple(&said, out);
    global("numpy", "dtype", out);
    text(choices.pick(&["u1", "u1", "u1", "u1", "i1", "i8", "f8", "V0", "u9999999999", ""]), out);
    out.extend_from_slice(b"K\x00K\x01\x87R(K\x03");
    text(choices.pick(&["|", "<", ">"]), out);
    out.extend_from_slice(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb");
    out.push(choices.pick(&[0x88, 0x89]));
    let length = choices.about(shape.iter().product()).min(256) as usize;
    out.push(b'T');
    out.extend_from_slice(&(length as u32).to_le_bytes());
    out.extend(choices.bytes(length));
    out.extend_from_slice(b"tb");
    stray(choices, out);
}

/// A checkpoint in either format.
pub fn pth(choices: &mut Choices<'_>) -> Vec<u8> {
    let storages: Vec<usize> = (0..choices.below(3) + 1).map(|_| choices.below(30) + 10).collect();
    let state = state(choices, storages.len());
    if choices.once_in(2) {
        let mut members = vec![("archive/data.pkl".to_owned(), state)];
        for (key, &length) in storages.iter().enumerate() {
            members.push((format!("archive/data/{key}"), choices.bytes(4 * length)));
        }
        return archives::zip(choices, &members);
    }
    let mut out = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.".to_vec();
    out.extend(state);
    out.extend_from_slice(b"\x80\x02](");
    (0..storages.len()).for_each(|key| text(&key.to_string(), &mut out));
    out.extend_from_slice(b"e.");
    for &length in &storages {
        out.extend_from_slice(&choices.about(length as u64).to_le_bytes());
        out.extend(choices.bytes(4 * length));
    }
    choices.damage(out)
}

fn state(choices: &mut Choices<'_>, storages: usize) -> Vec<u8> {
    let mut out = b"\x80\x02}(".to_vec();
    for index in 0..choices.below(4) + 1 {
        text(&format!("weight{index}"), &mut out);
        let depth = if choices.once_in(6) { choices.below(7) } else { 0 };
        for _ in 0..depth {
            global("torch._utils", "_rebuild_parameter", &mut out);
            out.push(b'(');
        }
        tensor(choices, storages, &mut out);
        (0..depth).for_each(|_| out.extend_from_slice(b"tR"));
        stray(choices, &mut out);
    }
    out.extend_from_slice(b"u.");
    out
}

fn tensor(choices: &mut Choices<'_>, storages: usize, out: &mut Vec<u8>) {
    global("torch._utils", "_rebuild_tensor_v2", out);
    out.extend_from_slice(b"((");
    text("storage", out);
    global(
        "torch",
        choices.pick(&["FloatStorage", "FloatStorage", "FloatStorage", "HalfStorage", "LongStorage", "CharStorage"]),
        out,
    );
    let key = choices.below(storages) as u64;
    text(&choices.about(key).to_string(), out);
    text("cpu", out);
    integer(choices.size() as i64, out);
    out.extend_from_slice(b"tQ");
    integer(choices.about(0) as i64, out);
    let shape: Vec<u64> =
        (0..choices.below(3)).map(|_| choices.size() % if choices.once_in(8) { u64::MAX } else { 4 }).collect();
    let mut strides = vec![0; shape.len()];
    let mut stride = 1u64;
    for (place, size) in strides.iter_mut().zip(&shape).rev() {
        *place = choices.about(stride);
        stride = stride.wrapping_mul(*size);
    }
    tuple(&shape, out);
    tuple(&strides, out);
    out.extend_from_slice(b"\x89}tR");
}
