//! Places that are no data sets, and what `--bind` cannot bind.

use super::*;

pub const PLACES: &[Case] = &[
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

pub const BINDING: &[Case] = &[
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
    case!("a variable bound twice", "a.npy", VECTOR, bind & [("x", "a"), ("x", "a")], ["`x` is bound twice"], |at| {
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
        ["must have the same name before the number"],
        |at| {
            text(at, "a.csv", "a0,b1\n1,2\n");
        }
    ),
    case!(
        "too many columns for a vector",
        "a.csv",
        VECTOR,
        ["variable `x` has no data", "or 2 columns with --bind x=A,B,… or x=A1..A2"],
        |at| text(at, "a.csv", "a,b,d\n1,2,3\n")
    ),
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
