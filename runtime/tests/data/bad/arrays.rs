//! Arrays whose numbers, shapes or bytes are not what a variable takes.

use super::*;

pub const ARRAYS: &[Case] = &[
    case!("an npz that is none", "a.npz", VECTOR, ["a.npz: cannot be read as an npz file"], |at| text(
        at, "a.npz", "hello"
    )),
    case!("an npz without arrays", "a.npz", VECTOR, ["there are no arrays in it"], |at| npz(&at.join("a.npz"), &[])),
    case!(
        "arrays of different lengths",
        "a.npz",
        VECTOR,
        ["array `b` has 2 records and `a` has 1", "first axis"],
        |at| {
            let of = |count: usize| npy("<f4", &[count, 2], &vec![0; count * 8]);
            npz(&at.join("a.npz"), &[("a", of(1)), ("b", of(2))]);
        }
    ),
    case!("complex numbers", "a.npy", VECTOR, ["a.npy", "its type is `c8`"], |at| bytes(
        at,
        "a.npy",
        &npy("<c8", &[1, 2], &[0; 16])
    )),
    case!("python objects", "a.npy", VECTOR, ["a.npy", "its type is `O`"], |at| bytes(
        at,
        "a.npy",
        &npy("|O", &[1], &[0; 8])
    )),
    case!("a cut npy", "a.npy", VECTOR, ["is 16 bytes, found are 8"], |at| bytes(
        at,
        "a.npy",
        &npy("<f4", &[2, 2], &[0; 8])
    )),
    case!("no npy", "a.npy", VECTOR, ["not a NumPy array"], |at| text(at, "a.npy", "hello, this is text")),
    case!("no records", "a.npy", VECTOR, ["there are no records in it"], |at| array(at, &[0, 2], &[])),
    case!("the wrong width", "a.npy", VECTOR, ["records have 3 numbers, shape [2] has 2"], |at| array(
        at,
        &[1, 3],
        &[1.0, 2.0, 3.0]
    )),
    case!("NaN", "a.npy", VECTOR, ["record 1 has the value NaN"], |at| array(at, &[2, 2], &[1.0, 2.0, f32::NAN, 3.0])),
    case!("half a count", "a.npy", COUNTS, ["record 1 has a value that is not a whole number", "(2.5, 3)"], |at| {
        array(at, &[2, 2], &[1.0, 2.0, 2.5, 3.0]);
    }),
    case!("a negative count", "a.npy", COUNTS, ["record 0 has", "`count` takes integers from 0"], |at| {
        array(at, &[1, 2], &[-1.0, 2.0]);
    }),
    case!("pictures of counts", "", COUNTS, ["variable `x` has no data"], |at| folder(at, &["a.png"])),
    case!("zero as a positive number", "a.npy", POSITIVE, ["record 1 has a value that is not positive"], |at| {
        array(at, &[2, 2], &[1.0, 2.0, 0.0, 3.0]);
    }),
    case!("one as a fraction", "a.npy", UNIT, ["record 0 has", "not between 0 and 1, both excluded"], |at| {
        array(at, &[1, 2], &[0.5, 1.0]);
    }),
    case!("parts of more than all", "a.npy", PARTS, ["record 1 has parts that do not add up to 1"], |at| {
        array(at, &[2, 2], &[0.5, 0.5, 0.5, 0.6]);
    }),
    case!("a part of nothing", "a.npy", PARTS, ["record 0 has a part that is not positive"], |at| {
        array(at, &[1, 2], &[0.0, 1.0]);
    }),
    case!("infinity", "a.npy", VECTOR, ["record 0 has the value inf"], |at| array(at, &[1, 2], &[f32::INFINITY, 3.0])),
    case!("too large for single precision", "a.npy", VECTOR, ["1e300", "single precision"], |at| {
        bytes(at, "a.npy", &npy("<f8", &[1, 2], &[1e300f64, 0.0].map(f64::to_le_bytes).concat()));
    }),
    case!("an image below 0", "a.npy", GREY, ["record 0 has the value -0.5", "0 to 255, or numbers 0 to 1"], |at| {
        array(at, &[1, 2, 2], &[0.5, -0.5, 1.0, 0.0]);
    }),
    case!("an image above 255", "a.npy", GREY, ["record 1 has the value 256"], |at| {
        array(at, &[2, 2, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 256.0, 6.0, 7.0]);
    }),
    case!("an image with NaN", "a.npy", GREY, ["record 0 has the value NaN"], |at| array(
        at,
        &[1, 2, 2],
        &[0.0, f32::NAN, 0.5, 1.0]
    )),
    case!("an image that is no picture", "a.npy", GREY, ["5 numbers per record are not a square image"], |at| {
        array(at, &[1, 5], &[0.0; 5]);
    }),
    case!("an image of four axes", "a.npy", GREY, ["records of shape [1, 1, 2, 2] are not images"], |at| {
        array(at, &[1, 1, 1, 2, 2], &[0.0; 4]);
    }),
    case!(
        "a binary of other numbers",
        "a.npy",
        BITS,
        ["a binary variable takes 0 and 1", "record 0 has the value -1"],
        |at| {
            array(at, &[1, 4], &[0.0, 1.0, -1.0, 0.0]);
        }
    ),
    case!("a binary of the wrong width", "a.npy", BITS, ["records have 3 numbers, shape [4] has 4"], |at| array(
        at,
        &[1, 3],
        &[0.0; 3]
    )),
    case!(
        "a class that is not there",
        "a.npy",
        LABEL,
        bind & [("c", "a")],
        ["record 2 is of class `3`", "has 3 classes"],
        |at| {
            array(at, &[3], &[0.0, 1.0, 3.0]);
        }
    ),
    case!(
        "more classes than there are",
        "a.csv",
        LABEL,
        bind & [("c", "a")],
        ["line 5 is of class `d`", "4 of them here"],
        |at| {
            text(at, "a.csv", "a\na\nb\nc\nd\n");
        }
    ),
    case!(
        "half a class",
        "a.npy",
        LABEL,
        bind & [("c", "a")],
        ["record 1 has 0.5; classes must be whole numbers"],
        |at| {
            array(at, &[2], &[0.0, 0.5]);
        }
    ),
    case!(
        "a row that is not one-hot",
        "a.npy",
        LABEL,
        bind & [("c", "a")],
        ["record 1 has 3 numbers that are not a one-hot row"],
        |at| {
            array(at, &[2, 3], &[0.0, 1.0, 0.0, 1.0, 1.0, 0.0]);
        }
    ),
    case!(
        "a label of maps",
        "a.npy",
        &[("c", Space::Label, &[3, 2, 2])],
        bind & [("c", "a")],
        ["records have 1 numbers, and the variable has classes at 4 places"],
        |at| {
            array(at, &[1], &[0.0]);
        }
    ),
    case!("an array of empty records", "a.npy", VECTOR, ["its records have no numbers"], |at| array(
        at,
        &[1 << 40, 0],
        &[]
    )),
    case!("no safetensors", "a.safetensors", VECTOR, ["cannot be read as a safetensors file"], |at| text(
        at,
        "a.safetensors",
        "hello"
    )),
    case!("tensors of brain floats", "a.safetensors", VECTOR, ["tensor `x` is of type BF16"], |at| {
        safetensors(at, ::safetensors::Dtype::BF16, vec![1, 2], &[0; 4]);
    }),
    case!("tensors of another width", "a.safetensors", VECTOR, ["records have 1 numbers, shape [2] has 2"], |at| {
        safetensors(at, ::safetensors::Dtype::F32, vec![1, 1], &[0; 4]);
    }),
];
