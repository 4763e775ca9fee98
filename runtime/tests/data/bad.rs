//! Bad input, kind by kind: each is one error that says what, where, and what is wanted.

use super::names::{floats, npy, npz};
use super::{folder, source, spec};
use srvae::data::{self, Source, Split};
use srvae::spec::{Space, Spec};
use std::io::Write;
use std::path::Path;

/// A name, what to write into a new folder, the data's path in it, the model's variables, `--bind`, words of the message.
struct Case {
    name: &'static str,
    make: fn(&Path),
    path: &'static str,
    variables: &'static [(&'static str, Space, &'static [usize])],
    bind: &'static [(&'static str, &'static str)],
    words: &'static [&'static str],
}

const VECTOR: &[(&str, Space, &[usize])] = &[("x", Space::Real, &[2])];
const COUNTS: &[(&str, Space, &[usize])] = &[("x", Space::Count, &[2])];
const POSITIVE: &[(&str, Space, &[usize])] = &[("x", Space::Positive, &[2])];
const UNIT: &[(&str, Space, &[usize])] = &[("x", Space::Unit, &[2])];
const PARTS: &[(&str, Space, &[usize])] = &[("x", Space::Simplex, &[2])];
const IMAGE: &[(&str, Space, &[usize])] = &[("x", Space::Image, &[3, 4, 4])];
const GREY: &[(&str, Space, &[usize])] = &[("x", Space::Image, &[1, 2, 2])];
const BITS: &[(&str, Space, &[usize])] = &[("x", Space::Binary, &[4])];
const LABEL: &[(&str, Space, &[usize])] = &[("c", Space::Label, &[3])];
const PAIR: &[(&str, Space, &[usize])] = &[("x", Space::Image, &[3, 4, 4]), ("y", Space::Image, &[3, 4, 4])];

fn text(folder: &Path, name: &str, content: &str) {
    std::fs::write(folder.join(name), content).unwrap();
}

fn bytes(folder: &Path, name: &str, content: &[u8]) {
    std::fs::write(folder.join(name), content).unwrap();
}

fn array(folder: &Path, shape: &[usize], numbers: &[f32]) {
    bytes(folder, "a.npy", &npy("<f4", shape, &floats(numbers.iter().copied())));
}

fn tar(folder: &Path, members: &[(&str, &[u8])]) {
    let mut archive = ::tar::Builder::new(std::fs::File::create(folder.join("a.tar")).unwrap());
    for (name, content) in members {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, name, *content).unwrap();
    }
    archive.finish().unwrap();
}

fn png(side: u32) -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(side, side).write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

fn jpeg() -> Vec<u8> {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_fn(32, 32, |x, y| image::Rgb([x as u8 * 8, y as u8 * 8, 0]))
        .write_to(&mut jpeg, image::ImageFormat::Jpeg)
        .unwrap();
    jpeg.into_inner()
}

fn safetensors(folder: &Path, dtype: ::safetensors::Dtype, shape: Vec<usize>, content: &[u8]) {
    let view = ::safetensors::tensor::TensorView::new(dtype, shape, content).unwrap();
    bytes(folder, "a.safetensors", &::safetensors::serialize([("x", view)], None).unwrap());
}

fn idx(kind: u8, axes: &[u32], content: &[u8]) -> Vec<u8> {
    let sizes: Vec<u8> = axes.iter().flat_map(|size| size.to_be_bytes()).collect();
    [&[0, 0, kind, axes.len() as u8], sizes.as_slice(), content].concat()
}

macro_rules! case {
    ($name:literal, $path:literal, $variables:expr, [$($word:literal),*], $make:expr) => {
        Case { name: $name, make: $make, path: $path, variables: $variables, bind: &[], words: &[$($word),*] }
    };
    ($name:literal, $path:literal, $variables:expr, bind $bind:expr, [$($word:literal),*], $make:expr) => {
        Case { name: $name, make: $make, path: $path, variables: $variables, bind: $bind, words: &[$($word),*] }
    };
}

const PLACES: &[Case] = &[
    case!("nowhere", "nowhere", IMAGE, ["nowhere: no such file or folder", "--data takes"], |_| ()),
    case!("empty folder", "", IMAGE, ["nothing in this folder is an image"], |_| ()),
    case!("unknown kind", "a.xyz", IMAGE, ["a.xyz: not a data set", "--data takes"], |at| text(at, "a.xyz", "?")),
    case!("folder of text", "", IMAGE, ["nothing in this folder is an image"], |at| text(at, "a.txt", "?")),
    case!("empty picture", "", IMAGE, ["a.png", "the file is empty"], |at| bytes(at, "a.png", b"")),
    case!("text named as a picture", "", IMAGE, ["a.png", "not an image that can be read"], |at| text(
        at, "a.png", "hello"
    )),
    case!("half a PNG", "", IMAGE, ["a.png", "cut short"], |at| bytes(at, "a.png", &png(9)[..60])),
    case!("damaged PNG", "", IMAGE, ["a.png", "checksum"], |at| {
        let mut file = png(9);
        file[44] ^= 1;
        bytes(at, "a.png", &file);
    }),
    case!("half a JPEG", "", IMAGE, ["a.jpg", "the JPEG file is cut short"], |at| {
        let file = jpeg();
        bytes(at, "a.jpg", &file[..file.len() * 2 / 3]);
    }),
    case!("half a BMP", "", IMAGE, ["a.bmp", "not an image that can be read"], |at| {
        image::RgbImage::new(9, 9).save(at.join("b.bmp")).unwrap();
        let file = std::fs::read(at.join("b.bmp")).unwrap();
        bytes(at, "a.bmp", &file[..100]);
    }),
    case!("half a WebP", "", IMAGE, ["a.webp", "not an image that can be read"], |at| {
        image::RgbImage::from_fn(9, 9, |x, y| image::Rgb([x as u8, y as u8, 3])).save(at.join("b.webp")).unwrap();
        let file = std::fs::read(at.join("b.webp")).unwrap();
        bytes(at, "a.webp", &file[..file.len() / 2]);
    }),
    case!("two folders for a part", "", IMAGE, ["two folders hold testing data"], |at| {
        folder(at, &["train/a.png", "test/b.png", "Testing/c.png"]);
    }),
    case!("a part named twice in a list", "", IMAGE, ["line 2 names a file for the second time"], |at| {
        folder(at, &["a.png", "b.png"]);
        text(at, "list_eval_partition.txt", "a.png 0\na.png 2\n");
    }),
    case!("a picture outside the list", "", IMAGE, ["b.png is not in"], |at| {
        folder(at, &["a.png", "b.png"]);
        text(at, "list_eval_partition.txt", "a.png 0\n");
    }),
];

const BINDING: &[Case] = &[
    case!(
        "two images of one folder",
        "",
        PAIR,
        ["variable `x` has no data", "`pictures` (2 image files)", "--bind x=NAME"],
        |at| {
            folder(at, &["a.png", "b.png"]);
        }
    ),
    case!("a label without classes", "", LABEL, ["variable `c`, a label, has no data"], |at| folder(at, &["a.png"])),
    case!("an unknown variable", "a.npy", VECTOR, bind & [("z", "a")], ["takes no data for `z`", "only for x"], |at| {
        array(at, &[1, 2], &[1.0, 2.0]);
    }),
    case!(
        "an unknown array",
        "a.npy",
        VECTOR,
        bind & [("x", "b")],
        ["--bind x=b", "there is no `b`", "`a` (float32 [1, 2])"],
        |at| {
            array(at, &[1, 2], &[1.0, 2.0]);
        }
    ),
    case!("an unknown column of a range", "a.csv", VECTOR, bind & [("x", "g0..g1")], ["there is no `g1`"], |at| {
        text(at, "a.csv", "g0,b\n1,2\n");
    }),
    case!("a range that runs down", "a.csv", VECTOR, bind & [("x", "g1..g0")], ["runs down"], |at| text(
        at,
        "a.csv",
        "g0,g1\n1,2\n"
    )),
    case!("a range without numbers", "a.csv", VECTOR, bind & [("x", "a..b")], ["`a` has no number at its end"], |at| {
        text(at, "a.csv", "a,b\n1,2\n");
    }),
    case!(
        "a range from one name to another",
        "a.csv",
        VECTOR,
        bind & [("x", "a0..b1")],
        ["from one name to another"],
        |at| {
            text(at, "a.csv", "a0,b1\n1,2\n");
        }
    ),
    case!("too many columns for a vector", "a.csv", VECTOR, ["variable `x` has no data"], |at| text(
        at,
        "a.csv",
        "a,b,d\n1,2,3\n"
    )),
    case!(
        "too few columns for a vector",
        "a.csv",
        VECTOR,
        bind & [("x", "a")],
        ["records have 1 numbers, shape [2] has 2"],
        |at| {
            text(at, "a.csv", "a,b\n1,2\n");
        }
    ),
    case!(
        "several columns for a label",
        "a.csv",
        LABEL,
        bind & [("c", "a,b")],
        ["a label takes one column, there are 2"],
        |at| {
            text(at, "a.csv", "a,b\n1,2\n");
        }
    ),
    case!(
        "arrays side by side",
        "a.npz",
        VECTOR,
        bind & [("x", "a,b")],
        ["`a` has more than one number per record"],
        |at| {
            let two = npy("<f4", &[1, 2], &floats([1.0, 2.0]));
            npz(&at.join("a.npz"), &[("a", two.clone()), ("b", two)]);
        }
    ),
    case!(
        "another folder with other names",
        "p",
        PAIR,
        bind & [("x", "pictures"), ("y", "q")],
        ["there is no image named b.png"],
        |at| {
            folder(&at.join("p"), &["a.png", "b.png"]);
            folder(&at.join("q"), &["a.png", "c.png"]);
        }
    ),
    case!("pictures for a vector", "", VECTOR, ["variable `x` has no data"], |at| folder(at, &["a.png"])),
];

const ARRAYS: &[Case] = &[
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
    case!("half a count", "a.npy", COUNTS, ["record 1 has a value that is no whole number", "(2.5, 3)"], |at| {
        array(at, &[2, 2], &[1.0, 2.0, 2.5, 3.0]);
    }),
    case!("a negative count", "a.npy", COUNTS, ["record 0 has", "`count` takes whole numbers from 0 on"], |at| {
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
        ["record 3 is of class `d`", "4 of them here"],
        |at| {
            text(at, "a.csv", "a\na\nb\nc\nd\n");
        }
    ),
    case!(
        "half a class",
        "a.npy",
        LABEL,
        bind & [("c", "a")],
        ["record 1 has 0.5, and classes are whole numbers"],
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

const TABLES: &[Case] = &[
    case!("an empty table", "a.csv", VECTOR, ["a.csv: cannot be read as a table", "the file is empty"], |at| text(
        at, "a.csv", ""
    )),
    case!("a table of names alone", "a.csv", VECTOR, ["there are no records below its line of names"], |at| text(
        at, "a.csv", "a,b\n"
    )),
    case!("a table without names", "a.csv", VECTOR, ["the first line has the number 1.5"], |at| text(
        at,
        "a.csv",
        "1.5,2\n3,4\n"
    )),
    case!("two columns of one name", "a.csv", VECTOR, ["two columns are named `a`"], |at| text(
        at,
        "a.csv",
        "a,a\n1,2\n"
    )),
    case!("a column without a name", "a.csv", VECTOR, ["column 2 has no name"], |at| text(at, "a.csv", "a,\n1,2\n")),
    case!("a short line", "a.csv", VECTOR, ["cannot be read as a table", "line: 3"], |at| text(
        at,
        "a.csv",
        "a,b\n1,2\n3\n"
    )),
    case!("an empty cell", "a.csv", VECTOR, ["record 1, column `b`: the value is missing"], |at| text(
        at,
        "a.csv",
        "a,b\n1,2\n3,\n"
    )),
    case!("a cell of NA", "a.csv", VECTOR, ["record 0, column `a`: the value is missing (`NA`)"], |at| text(
        at,
        "a.csv",
        "a,b\nNA,2\n"
    )),
    case!("a cell that is not a number", "a.csv", VECTOR, ["record 1, column `a`: `x` is not a number"], |at| text(
        at,
        "a.csv",
        "a,b\n1,2\nx,3\n"
    )),
    case!("a decimal comma", "a.tsv", VECTOR, ["`1,5` is not a number"], |at| text(at, "a.tsv", "a\tb\n1,5\t2\n")),
    case!("a missing class", "a.csv", LABEL, ["record 1: the class is missing"], |at| text(
        at,
        "a.csv",
        "c,d\na,1\n,2\n"
    )),
    case!("a table in UTF-16", "a.csv", VECTOR, ["it is UTF-16; save it as UTF-8"], |at| bytes(
        at,
        "a.csv",
        b"\xff\xfea\0,\0"
    )),
    case!("zero bytes", "a.csv", VECTOR, ["it holds zero bytes"], |at| bytes(at, "a.csv", b"a,b\n1,\0\n")),
    case!("not UTF-8", "a.csv", VECTOR, ["cannot be read as a table", "UTF-8"], |at| bytes(
        at,
        "a.csv",
        b"a,b\n1,\xff\n"
    )),
    case!(
        "a picture that is not there",
        "a.csv",
        IMAGE,
        ["record 0: column `file` names `p.png`, and there is no such file"],
        |at| {
            text(at, "a.csv", "file,a\np.png,1\n");
        }
    ),
    case!("an unknown part", "a.csv", VECTOR, ["record 1: column `split` says `other`"], |at| {
        text(at, "a.csv", "split,a,b\ntrain,1,2\nother,3,4\n");
    }),
    case!("nothing to train on", "a.csv", VECTOR, ["leaves no records for training"], |at| text(
        at,
        "a.csv",
        "split,a,b\ntest,1,2\n"
    )),
    case!("a cut gzip", "a.csv.gz", VECTOR, ["cannot be read as a table"], |at| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all("a,b\n1,2\n".repeat(100).as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        bytes(at, "a.csv.gz", &packed[..packed.len() - 4]);
    }),
];

const PUBLISHED: &[Case] = &[
    case!("IDX of no numbers", "a-images-idx3-ubyte", GREY, ["cannot be read as an IDX file", "type 0x07"], |at| {
        bytes(at, "a-images-idx3-ubyte", &idx(7, &[1, 2, 2], &[0; 4]));
    }),
    case!("IDX cut short", "a-images-idx3-ubyte", GREY, ["is 8 bytes, found are 4"], |at| {
        bytes(at, "a-images-idx3-ubyte", &idx(8, &[2, 2, 2], &[0; 4]));
    }),
    case!("IDX images and labels of different sets", "", GREY, ["2 training images and 3 labels"], |at| {
        bytes(at, "train-images-idx3-ubyte", &idx(8, &[2, 2, 2], &[0; 8]));
        bytes(at, "train-labels-idx1-ubyte", &idx(8, &[3], &[0; 3]));
    }),
    case!("IDX without training images", "", GREY, ["the training images are missing"], |at| {
        bytes(at, "t10k-images-idx3-ubyte", &idx(8, &[2, 2, 2], &[0; 8]));
    }),
    case!(
        "IDX of pictures without pixels",
        "a.idx",
        GREY,
        ["a.idx: `pictures` is", "its records have no numbers"],
        |at| {
            bytes(at, "a.idx", &idx(8, &[0x4000_0000, 0, 2], &[]));
        }
    ),
    case!("IDX twice", "", GREY, ["two files for the same part"], |at| {
        bytes(at, "train-images-idx3-ubyte", &idx(8, &[1, 2, 2], &[0; 4]));
        bytes(at, "fashion-train-images-idx3-ubyte", &idx(8, &[1, 2, 2], &[0; 4]));
    }),
    case!("CIFAR-100 cut short", "", IMAGE, ["train.bin", "no whole number of records"], |at| {
        text(at, "fine_label_names.txt", "");
        bytes(at, "test.bin", &[0; 3074]);
        bytes(at, "train.bin", &[0; 3000]);
    }),
    case!("CIFAR-100 of other classes", "", IMAGE, ["record 0 has label 101 of 100 classes"], |at| {
        text(at, "fine_label_names.txt", "");
        bytes(at, "test.bin", &[0; 3074]);
        let mut record = [0; 3074];
        record[1] = 101;
        bytes(at, "train.bin", &record);
    }),
    case!("a tar without pictures", "a.tar", IMAGE, ["no images in this archive"], |at| tar(at, &[("a.json", b"{}")])),
    case!("a tar that is none", "a.tar", IMAGE, ["a.tar", "damaged or cut short"], |at| bytes(at, "a.tar", &[7; 700])),
    case!("a picture without its class", "a.tar", IMAGE, ["record 2 has no member for labels"], |at| {
        let picture = png(4);
        tar(at, &[("1.png", &picture), ("1.cls", b"0"), ("2.png", &picture)]);
    }),
    case!("two pictures of one name", "a.tar", IMAGE, ["record 1 has two members for pictures"], |at| {
        let picture = png(4);
        tar(at, &[("1.png", &picture), ("1.jpg", &picture)]);
    }),
    case!("a broken picture in a tar", "a.tar", IMAGE, ["record 0"], |at| tar(at, &[("1.png", b"hello")])),
];

#[test]
fn every_kind_of_bad_input_has_its_message() {
    let all: Vec<&Case> = [PLACES, BINDING, ARRAYS, TABLES, PUBLISHED].into_iter().flatten().collect();
    assert!(all.len() >= 80, "{}", all.len());
    let mut wrong = Vec::new();
    for case in all {
        let place = tempfile::tempdir().unwrap();
        (case.make)(place.path());
        let own = |what: &str| {
            let path = place.path().join(what);
            if path.is_dir() { path.display().to_string() } else { what.to_owned() }
        };
        let bind = case.bind.iter().map(|(name, what)| ((*name).to_owned(), own(what))).collect();
        let spec: Spec = spec(case.variables);
        let source = Source { bind, ..source(&place.path().join(case.path)) };
        match data::load(&source, &spec, Split::Standard) {
            Ok(_) => wrong.push(format!("{}: accepted", case.name)),
            Err(error) => {
                let said = format!("{error:#}");
                let missing = case.words.iter().filter(|word| !said.contains(**word));
                wrong.extend(missing.map(|word| format!("{}: `{word}` is not in: {said}", case.name)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The same for what stands behind `--bind`, `--split` and `--crop` themselves.
#[test]
fn options_that_are_none_say_what_is_wanted() {
    for text in ["x", "x=", "=a", ""] {
        let error = format!("{:#}", data::parse_bind(text).unwrap_err());
        assert!(error.contains("expected NAME=WHAT"), "{error}");
    }
    assert_eq!(data::parse_bind("x = g0..g3").unwrap(), ("x".to_owned(), "g0..g3".to_owned()));
    let error = "half".parse::<Split>().unwrap_err().to_string();
    assert!(error.contains("known are standard, hoogeboom, authors and none, or the fraction"), "{error}");
}
