//! Damaged and hostile files: every reader ends in content or in one error, within its limits.

mod hostile;
mod toy;

use hostile::{Choices, LIMIT, READERS};
use srvae::data::formats;
use srvae::pickle::Pickle;
use srvae::train::{Checkpoint, Config, Header, Progress};
use srvae::{Device, Tensor, input, tensors, torch};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Inputs of each reader; the example `hostile` tries millions.
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

/// Two members of gzip, the second from the middle of an archive on.
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

fn png() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let paint = |x: u32, y: u32| image::Rgb([x as u8, y as u8, (x * y) as u8]);
    image::RgbImage::from_fn(24, 20, paint).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn weights() -> BTreeMap<String, Tensor> {
    let numbers: Vec<f32> = (0..600).map(|at| at as f32 / 7.0).collect();
    BTreeMap::from([("param/w".to_owned(), Tensor::from_vec(numbers, (20, 30), &Device::Cpu).unwrap())])
}

fn checkpoint_header() -> Header {
    Header::new(&toy::spec(), &Config::default(), "builtin", Progress { step: 5, ..Progress::default() })
}

fn checkpoint() -> Vec<u8> {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("last.safetensors");
    let mut checkpoint = Checkpoint::new(checkpoint_header());
    checkpoint.add("param", [("w".to_owned(), weights()["param/w"].clone())]);
    checkpoint.save(&path).unwrap();
    std::fs::read(path).unwrap()
}

fn read_checkpoint(bytes: &[u8]) -> bool {
    Checkpoint::parse(bytes, Path::new("last.safetensors"), &Device::Cpu).is_ok()
}

fn read_tar(bytes: &[u8]) -> bool {
    input::tar_members(input::gunzip(bytes, LIMIT), LIMIT, |_| true).is_ok()
}

/// Bytes that a format leaves without a checksum or a second copy and that change nothing of what is read: the time, flags and
/// system of a gzip member and the bits that fill up the last byte of its stream, before eight bytes of checksum and length; versions
/// and attributes of a zip entry; the versions in its end.
fn without_meaning(bytes: &[u8], at: usize) -> bool {
    let member = |magic: &[u8], fields: &[std::ops::Range<usize>]| {
        fields.iter().any(|field| {
            field.clone().any(|place| at.checked_sub(place).is_some_and(|begin| bytes[begin..].starts_with(magic)))
        })
    };
    let gzip = bytes.starts_with(b"\x1f\x8b\x08");
    let fills =
        gzip && (at + 9 == bytes.len() || bytes[at..].get(9..).is_some_and(|next| next.starts_with(b"\x1f\x8b\x08")));
    fills
        || member(b"\x1f\x8b\x08", std::slice::from_ref(&(3..10)))
        || member(b"PK\x01\x02", &[4..8, 36..42])
        || member(b"PK\x03\x04", std::slice::from_ref(&(4..6)))
        || member(b"PK\x06\x06", std::slice::from_ref(&(12..16)))
}

#[test]
fn one_flipped_bit_is_refused_wherever_a_format_has_a_checksum() {
    let exported = tensors::write(&weights(), &BTreeMap::from([("model".to_owned(), "toy".to_owned())])).unwrap();
    type Read = fn(&[u8]) -> bool;
    let formats: [(&str, Vec<u8>, Read); 8] = [
        ("npz, stored", fixture("data/imagenet_npz/train_data_batch_1.npz"), |bytes| {
            formats::npz::read(bytes, 1).is_ok()
        }),
        ("npz, deflated", fixture("data/imagenet_npz/val_data.npz"), |bytes| formats::npz::read(bytes, 1).is_ok()),
        ("tar.gz", tar_gz(), read_tar),
        ("png", png(), |bytes| input::check_picture(bytes).is_ok_and(|reader| reader.decode().is_ok())),
        // By PyTorch's own hand: descriptors behind the members, padding before their contents.
        ("pth", fixture("torch/fortran_tensor_3d.pth"), |bytes| torch::parse(bytes, false).is_ok()),
        ("pth, plain", torch_archive(), |bytes| torch::parse(bytes, false).is_ok()),
        ("safetensors", exported, |bytes| torch::parse(bytes, true).is_ok()),
        ("checkpoint", checkpoint(), read_checkpoint),
    ];
    for (name, whole, read) in formats {
        assert!(read(&whole), "{name}");
        let mut choices = Choices::Seed(11);
        let mut passed = Vec::new();
        let mut flips = 0;
        while flips < 200 {
            let (at, bit) = (choices.below(whole.len()), choices.below(8));
            if without_meaning(&whole, at) {
                continue;
            }
            flips += 1;
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            if read(&bytes) {
                passed.push((at, bit));
            }
        }
        assert!(passed.is_empty(), "{name} of {} bytes: {passed:?} pass", whole.len());
    }
}

#[test]
fn an_archive_by_pytorch_is_read_with_its_strides() {
    let tensors = torch::parse(&fixture("torch/fortran_tensor_3d.pth"), false).unwrap();
    let tensor = &tensors["tensor_fortran"];
    assert_eq!(tensor.dims(), [2, 3, 4]);
    let numbers = tensor.flatten_all().unwrap().to_vec1::<i64>().unwrap();
    assert_eq!(numbers, (1..=24).collect::<Vec<_>>());
}

/// A checkpoint as PyTorch's archives are: one storage, one tensor.
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
    // A picture of 169 million pixels in 57 bytes.
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
    // A parameter that is rebuilt from itself, and one under 300,000 others.
    let itself = state(b"ctorch._utils\n_rebuild_parameter\n]q\0h\0q\x01\x85Rq\x02h\0h\x02a0".as_slice());
    let nested =
        [b"ctorch._utils\n_rebuild_parameter\n".repeat(300_000), b"N".to_vec(), b"\x85R".repeat(300_000)].concat();
    for bytes in [itself, state(&nested)] {
        assert!(torch::parse(&bytes, false).is_err());
    }
    // Sizes and strides whose products wrap, or that repeat one number.
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

/// The archive with another shape and strides in its program.
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

/// A change to a header's JSON, and words of the message.
type Tampered<'a> = (&'a [&'a str], serde_json::Value, &'a str);

#[test]
fn tampered_headers_are_one_error_each() {
    use serde_json::json;
    let said = |path: &[&str], value: serde_json::Value| {
        let mut header = serde_json::to_value(checkpoint_header()).unwrap();
        let mut place = &mut header;
        for key in path {
            place = match key.parse::<usize>() {
                Ok(at) => &mut place[at],
                Err(_) => &mut place[*key],
            };
        }
        *place = value;
        let bytes = tensors::write(&weights(), &BTreeMap::from([("srvae".to_owned(), header.to_string())])).unwrap();
        match Checkpoint::parse(&bytes, Path::new("last.safetensors"), &Device::Cpu) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => format!("{error:#}"),
        }
    };
    assert_eq!(said(&["data"], json!("elsewhere")), "accepted");
    let cases: [Tampered<'_>; 22] = [
        (&["format"], json!(3), "format 3, this program reads 1 to 2"),
        (&["config", "batch"], json!(0), "batch is 0"),
        (&["config", "batch"], json!(u64::MAX), "batch is 18446744073709551615"),
        (&["config", "batch"], json!(-4), "not a checkpoint of this program"),
        (&["config", "samples"], json!(0), "samples is 0"),
        (&["config", "steps"], json!(u64::MAX), "steps is 18446744073709551615"),
        (&["config", "schedule", "rate"], json!(-0.1), "rate is -0.1; expected a number above 0"),
        (&["config", "schedule", "decay"], json!(0), "decay is 0"),
        (&["config", "average"], json!(2.0), "average is 2"),
        (&["config", "clip"], json!(-1), "clip is -1"),
        (&["config", "free_nats"], json!(-1), "free_nats is -1"),
        (&["progress", "step"], json!(u64::MAX), "step is 18446744073709551615"),
        (&["progress", "skipped"], json!(6), "skipped is 6; allowed are 0 to 5"),
        (&["progress", "order"], json!(u64::MAX), "order is 18446744073709551615"),
        (&["progress", "noise"], json!([1, u64::MAX]), "noise is 18446744073709551615"),
        (&["progress", "best_step"], json!(9), "best_step is 9"),
        (&["variables"], json!([]), "lists no variables"),
        (&["variables", "0", "shape"], json!([0, 4, 4]), "variable x has shape [0, 4, 4]"),
        (&["variables", "0", "shape"], json!([1u64 << 40, 1u64 << 40]), "variable x has shape [1099511627776"),
        (&["variables", "0", "name"], json!("\u{1b}[2J"), "is not a name"),
        (&["model"], json!(""), "is not a name"),
        (&["settings"], json!("none"), "not a checkpoint of this program"),
    ];
    for (path, value, words) in cases {
        let said = said(path, value.clone());
        assert!(said.contains("last.safetensors") && said.contains(words), "{path:?} {value}: {said}");
    }
}

#[test]
fn checkpoints_have_a_checksum_and_groups_of_floats() {
    let said = |bytes: &[u8]| match Checkpoint::parse(bytes, Path::new("a.safetensors"), &Device::Cpu) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    let about = |format: u32| {
        let header = Header { format, ..checkpoint_header() };
        BTreeMap::from([("srvae".to_owned(), serde_json::to_string(&header).unwrap())])
    };
    let plain = |format| {
        let about = about(format).into_iter().collect();
        safetensors::serialize(weights().iter(), Some(about)).unwrap()
    };
    assert_eq!(said(&plain(1)), "accepted", "an old file");
    assert!(said(&plain(2)).contains("it should have a checksum, and has none"), "{}", said(&plain(2)));
    for (name, dtype, words) in [
        ("param/w", srvae::DType::U8, "param/w is U8; expected F32 or F16"),
        ("param/w", srvae::DType::F64, "param/w is F64; expected F32 or F16"),
        ("state/w", srvae::DType::F32, "in none of the groups param, optimiser, average"),
    ] {
        let tensor = weights()["param/w"].to_dtype(dtype).unwrap();
        let said = said(&tensors::write(&BTreeMap::from([(name.to_owned(), tensor)]), &about(2)).unwrap());
        assert!(said.contains(words), "{said}");
    }
    let free = tensors::write(&BTreeMap::new(), &BTreeMap::new()).unwrap();
    assert!(said(&free).contains("not a checkpoint of this program"));
}
