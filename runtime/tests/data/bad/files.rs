//! Tables, and the formats that data sets are published in.

use super::*;

pub const TABLES: &[Case] = &[
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
    case!(
        "a short line",
        "a.csv",
        VECTOR,
        ["a.csv: cannot be read as a table", "line 3 has 1 cells, and the line of names has 2"],
        |at| text(at, "a.csv", "a,b\n1,2\n3\n")
    ),
    case!("an empty cell", "a.csv", VECTOR, ["a.csv: ", "line 3, column `b`: the value is missing"], |at| text(
        at,
        "a.csv",
        "a,b\n1,2\n3,\n"
    )),
    case!("a cell of NA", "a.csv", VECTOR, ["line 2, column `a`: the value is missing (`NA`)"], |at| text(
        at,
        "a.csv",
        "a,b\nNA,2\n"
    )),
    case!("a cell that is not a number", "a.csv", VECTOR, ["line 3, column `a`: `x` is not a number"], |at| text(
        at,
        "a.csv",
        "a,b\n1,2\nx,3\n"
    )),
    // Empty lines, a cell of two lines and both kinds of line ends are counted as an editor counts them.
    case!("lines of every kind", "a.csv", VECTOR, ["a.csv: ", "line 6, column `a`: `x` is not a number"], |at| text(
        at,
        "a.csv",
        "a,b\r\n\n1,\"2\n\"\r\n\r\nx,3\n"
    )),
    case!("a bad line of a part", "a.csv", VECTOR, ["a.csv: ", "line 4, column `b`: the value is missing"], |at| text(
        at,
        "a.csv",
        "split,a,b\ntrain,1,2\ntest,3,4\ntest,5,\n"
    )),
    case!("a decimal comma", "a.tsv", VECTOR, ["`1,5` is not a number"], |at| text(at, "a.tsv", "a\tb\n1,5\t2\n")),
    case!("a missing class", "a.csv", LABEL, ["a.csv: ", "line 3: the class is missing"], |at| text(
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
    case!("not UTF-8", "a.csv", VECTOR, ["a.csv: cannot be read as a table", "line 2 is not UTF-8"], |at| bytes(
        at,
        "a.csv",
        b"a,b\n1,\xff\n"
    )),
    case!(
        "a picture that is not there",
        "a.csv",
        IMAGE,
        ["line 2: column `file` names `p.png`, and there is no such file"],
        |at| {
            text(at, "a.csv", "file,a\np.png,1\n");
        }
    ),
    case!("an unknown part", "a.csv", VECTOR, ["a.csv: line 3: column `split` says `other`"], |at| {
        text(at, "a.csv", "split,a,b\ntrain,1,2\nother,3,4\n");
    }),
    case!("nothing to train on", "a.csv", VECTOR, ["a.csv: there are no records to train on"], |at| text(
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

pub const PUBLISHED: &[Case] = &[
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
    case!("one IDX file and labels of another set", "a-images-idx3-ubyte", GREY, ["3 labels for 2 images"], |at| {
        bytes(at, "a-images-idx3-ubyte", &idx(8, &[2, 2, 2], &[0; 8]));
        bytes(at, "a-labels-idx1-ubyte", &idx(8, &[3], &[0; 3]));
    }),
    case!("IDX labels without images", "", GREY, ["there are test labels without images"], |at| {
        bytes(at, "train-images-idx3-ubyte", &idx(8, &[2, 2, 2], &[0; 8]));
        bytes(at, "t10k-labels-idx1-ubyte", &idx(8, &[3], &[0; 3]));
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
    case!("CIFAR-100 cut short", "", IMAGE, ["train.bin", "not a whole number of records"], |at| {
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
