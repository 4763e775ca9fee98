//! Checkpoints with a changed header.

use crate::{checkpoint_header, weights};
use srvae::train::{Checkpoint, Header};
use srvae::{Device, tensors};
use std::collections::BTreeMap;
use std::path::Path;

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
    let cases: [Tampered<'_>; 23] = [
        (&["format"], json!(3), "format 3, this program reads 1 to 2"),
        (&["config", "batch"], json!(0), "batch is 0"),
        (&["config", "batch"], json!(u64::MAX), "batch is 18446744073709551615"),
        (&["config", "batch"], json!(-4), "not a checkpoint of this program"),
        (&["config", "micro_batch"], json!(3), "micro_batch is 3, and batch"),
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
