//! Single wrong bits.

use crate::hostile::Choices;
use crate::{checkpoint_header, fixture, read_tar, tar_gz, torch_archive, weights};
use srvae::data::formats;
use srvae::train::Checkpoint;
use srvae::{Device, input, tensors, torch};
use std::collections::BTreeMap;
use std::path::Path;

fn png() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let paint = |x: u32, y: u32| image::Rgb([x as u8, y as u8, (x * y) as u8]);
    image::RgbImage::from_fn(24, 20, paint).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
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

/// Bytes without a checksum or a second copy, whose change has no effect on the content: time, flags and system of a
/// gzip member, and the padding bits in the last byte of its stream, before eight bytes of checksum and length;
/// versions and attributes of a zip entry; the versions in the end of a zip file.
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
        // As written by PyTorch: descriptors after the members, and padding before their contents.
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
