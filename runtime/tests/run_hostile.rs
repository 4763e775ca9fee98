//! Damaged and hostile files: every reader returns the content or one error, within its limits.

#[path = "damaged/flips.rs"]
mod flips;
#[path = "damaged/headers.rs"]
mod headers;
mod hostile;
mod toy;

use hostile::{Choices, LIMIT, READERS};
use srvae::pickle::Pickle;
use srvae::train::{Config, Header, Progress};
use srvae::{Device, Tensor, input, torch};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The number of inputs of each reader; the example `hostile` tries millions.
const INPUTS: u64 = 2000;

#[test]
fn no_reader_panics_or_takes_all_for_right() {
    input::set_limit(LIMIT);
    for reader in READERS {
        let accepted = (0..INPUTS).filter(|&seed| (reader.read)(&(reader.generate)(&mut Choices::Seed(seed)))).count();
        let share = format!("{}: {accepted} of {INPUTS} accepted", reader.name);
        println!("{share}");
        assert!(accepted > 10 && accepted < INPUTS as usize * 19 / 20, "{share}");
    }
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

/// Two gzip members; the second begins in the middle of an archive.
fn tar_gz() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    builder.mode(tar::HeaderMode::Deterministic);
    for name in ["data_batch_1", "test_batch"] {
        builder
            .append_path_with_name(format!("{}/tests/fixtures/data/cifar/{name}", env!("CARGO_MANIFEST_DIR")), name)
            .unwrap();
    }
    let tar = builder.into_inner().unwrap();
    let (one, two) = tar.split_at(tar.len() / 2);
    [one, two]
        .map(|part| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(part).unwrap();
            encoder.finish().unwrap()
        })
        .concat()
}

fn weights() -> BTreeMap<String, Tensor> {
    let numbers: Vec<f32> = (0..600).map(|at| at as f32 / 7.0).collect();
    BTreeMap::from([("param/w".to_owned(), Tensor::from_vec(numbers, (20, 30), &Device::Cpu).unwrap())])
}

fn checkpoint_header() -> Header {
    Header::new(&toy::spec(), &Config::default(), "builtin", Progress { step: 5, ..Progress::default() })
}

fn read_tar(bytes: &[u8]) -> bool {
    input::tar_members(input::gunzip(bytes, LIMIT), LIMIT, |_| true).is_ok()
}

#[test]
fn an_archive_by_pytorch_is_read_with_its_strides() {
    let tensors = torch::parse(&fixture("torch/fortran_tensor_3d.pth"), false).unwrap();
    let tensor = &tensors["tensor_fortran"];
    assert_eq!(tensor.dims(), [2, 3, 4]);
    let numbers = tensor.flatten_all().unwrap().to_vec1::<i64>().unwrap();
    assert_eq!(numbers, (1..=24).collect::<Vec<_>>());
}

/// A checkpoint like PyTorch's archives: one storage, one tensor.
fn torch_archive() -> Vec<u8> {
    let program =
        b"\x80\x02}(X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n\
                    X\x01\0\0\x000X\x03\0\0\0cpuM\xe8\x03tQK\0K\x19K(\x86K(K\x01\x86\x89}tRu.";
    let numbers: Vec<u8> = (0..1000).flat_map(|at| (at as f32).to_le_bytes()).collect();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in [("w/data.pkl", program.as_slice()), ("w/byteorder", b"little"), ("w/data/0", &numbers)] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_cut_or_repeated_gzip_member_is_noticed_and_none_is_left_out() {
    let whole = tar_gz();
    let members = input::tar_members(input::gunzip(whole.as_slice(), LIMIT), LIMIT, |_| true).unwrap();
    assert_eq!(members.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["data_batch_1", "test_batch"]);
    assert!(members.iter().all(|(name, content)| *content == fixture(&format!("data/cifar/{name}"))));
    for cut in [1, 4, 8, 9, 100] {
        assert!(!read_tar(&whole[..whole.len() - cut]), "{cut} bytes fewer");
    }
    let error = input::tar_members(input::gunzip(whole.as_slice(), 5000), LIMIT, |_| true).unwrap_err();
    assert!(format!("{error:#}").contains("more than the limit of 4.9 KiB; --read-limit raises it"), "{error:#}");
    let error = input::tar_members(input::gunzip(whole.as_slice(), LIMIT), 5000, |_| true).unwrap_err();
    assert!(
        format!("{error:#}").contains("data_batch_1: it unpacks to 6.2 KiB, and the limit is 4.9 KiB"),
        "{error:#}"
    );
}

#[test]
fn small_files_that_unpack_to_much_are_refused_with_the_numbers() {
    // A megabyte of zeros in a thousand bytes.
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("data.npy", stored).unwrap();
    zip.write_all(&[7; 5000]).unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    let mut archive = input::Archive::open(&bytes, 4096).unwrap();
    let error = format!("{:#}", archive.member(0).unwrap_err());
    assert!(error.contains("data.npy") && error.contains("it unpacks to 4.9 KiB, and the limit is 4 KiB"), "{error}");
    // A name of a gigabyte.
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(1 << 30);
    header.set_cksum();
    let long = header.as_bytes().iter().copied().chain(std::iter::repeat_n(b'x', 1 << 20)).collect::<Vec<u8>>();
    let error = format!("{:#}", input::tar_members(long.as_slice(), LIMIT, |_| true).unwrap_err());
    assert!(error.contains("more than 65536 bytes"), "{error}");
    // An image of 169 million pixels in 57 bytes.
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, content) in [
        (b"IHDR", [13_000u32.to_be_bytes(), 13_000u32.to_be_bytes(), [8, 2, 0, 0]].concat()),
        (b"IDAT", vec![]),
        (b"IEND", vec![]),
    ] {
        let content = if kind == b"IHDR" { [content.as_slice(), &[0]].concat() } else { content };
        let mut crc = flate2::Crc::new();
        crc.update(kind);
        crc.update(&content);
        picture.extend_from_slice(&(content.len() as u32).to_be_bytes());
        picture.extend_from_slice(kind);
        picture.extend_from_slice(&content);
        picture.extend_from_slice(&crc.sum().to_be_bytes());
    }
    let error = format!("{:#}", input::check_picture(&picture).map(|_| ()).unwrap_err());
    assert!(error.contains("13000x13000 pixels") && error.contains("--read-limit"), "{error}");
}

#[test]
fn pickles_that_rebuild_themselves_or_view_what_is_not_there_end() {
    let state = |tensor: &[u8]| [b"\x80\x02}(X\x01\0\0\0w".as_slice(), tensor, b"u."].concat();
    // A parameter that is rebuilt from itself, and one nested 300,000 deep.
    let itself = state(b"ctorch._utils\n_rebuild_parameter\n]q\0h\0q\x01\x85Rq\x02h\0h\x02a0".as_slice());
    let nested =
        [b"ctorch._utils\n_rebuild_parameter\n".repeat(300_000), b"N".to_vec(), b"\x85R".repeat(300_000)].concat();
    for bytes in [itself, state(&nested)] {
        assert!(torch::parse(&bytes, false).is_err());
    }
    // Sizes and strides whose products overflow, or that repeat one number.
    let archive = torch_archive();
    for (shape, words) in [
        (b"\x8a\x06\0\0\0\0\0\x01K\x01\x86K\0K\0\x86".as_slice(), "save it by .contiguous()"),
        (b"\x8a\x08\0\0\0\0\0\0\0\x40K\x08\x86K\x01K\x01\x86", "overflows"),
        (b"K\x02K\x02\x86\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x01\x86", "overflows"),
        (b"K\0\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x86K\x01K\x01\x86", "overflows"),
        (b"K\x19K\x29\x86K\x29K\x01\x86", "reaches past the 4000 bytes"),
    ] {
        let error = format!("{:#}", torch::parse(&with_views(&archive, shape), false).unwrap_err());
        assert!(error.contains(words), "{error}");
    }
    let empty = torch::parse(&with_views(&archive, b"K\0K\x05\x86K\x05K\x01\x86"), false).unwrap();
    assert_eq!(empty["w"].dims(), [0, 5]);
    assert!(Pickle::read(b"\x80\x02}q\0h\0b.").is_err());
}

/// The archive with another shape and other strides in its program.
fn with_views(archive: &[u8], views: &[u8]) -> Vec<u8> {
    let mut old = input::Archive::open(archive, LIMIT).unwrap();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (index, name) in old.names().to_vec().into_iter().enumerate() {
        let mut content = old.member(index).unwrap().into_owned();
        let usual = b"K\x19K(\x86K(K\x01\x86";
        if let Some(at) = content.windows(usual.len()).position(|window| window == usual) {
            content.splice(at..at + usual.len(), views.iter().copied());
        }
        zip.start_file(name, stored).unwrap();
        zip.write_all(&content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[cfg(unix)]
#[test]
fn pipes_devices_and_folders_are_no_files() {
    let place = tempfile::tempdir().unwrap();
    let pipe = place.path().join("pipe.npz");
    let name = std::ffi::CString::new(pipe.to_str().unwrap()).unwrap();
    // SAFETY: the name ends in a zero byte.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    for (path, words) in [
        (pipe.as_path(), "a pipe or a device"),
        (Path::new("/dev/zero"), "a pipe or a device"),
        (place.path(), "this is a folder"),
        (&place.path().join("nothing"), "cannot be read"),
    ] {
        let error = format!("{:#}", input::read(path).unwrap_err());
        assert!(error.contains(words) && error.contains(path.to_str().unwrap()), "{error}");
    }
}
