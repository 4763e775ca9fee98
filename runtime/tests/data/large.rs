//! Data larger than memory, custom sources of records, and requested divisions.

use super::{first, image, source, spec};
use srvae::data::{self, Batches, Cells, Column, Data, Dataset, Order, Records, Source, Split};
use srvae::spec::Space;
use srvae::{Device, Values};
use std::collections::BTreeSet;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

/// The peak memory of this process in bytes.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    1024 * line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
}

/// A sparse file of 20 GB: the first byte of every 100,000th record is its number.
#[cfg(target_os = "linux")]
fn sparse(path: &Path, records: usize) {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({records}, 3, 32, 32), }}");
    let head = [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
    let mut file = std::fs::File::create(path).unwrap();
    file.write_all(&head).unwrap();
    file.set_len((head.len() + records * 3072) as u64).unwrap();
    for number in (0..records).step_by(100_000) {
        file.seek(SeekFrom::Start((head.len() + number * 3072) as u64)).unwrap();
        file.write_all(&[(number / 100_000) as u8 + 1]).unwrap();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn twenty_gigabytes_are_read_in_a_little_memory() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("x.npy");
    let count = 6_600_000;
    sparse(&path, count);
    let (spec, before) = (image([3, 32, 32]), peak());
    let data = data::load(&source(&path), &spec, Split::Standard).unwrap();
    assert_eq!(data.train.len() + data.validation.len() + data.test.len(), count);
    assert!(data.train.dataset().is_some() && data.test.dataset().is_some());
    let batches = Batches::new(&spec, &data.train, &Device::Cpu).unwrap();
    let mut order = Order::new(data.train.len(), 1, 0);
    let begun = std::time::Instant::now();
    for _ in 0..50 {
        let batch = batches.take(&data.train, &order.next(32), None).unwrap();
        assert_eq!(batch.get("x").unwrap().dims(), [32, 3, 32, 32]);
    }
    println!("{:.0} records/s", 1600.0 / begun.elapsed().as_secs_f64());
    // Other tests of this process use memory at the same time; a twentieth of the file is far above all of them.
    let taken = peak() - before;
    assert!(taken < 1_000_000_000, "{taken} bytes");
    // The content of a record is that of its number.
    let all = [&data.train, &data.validation, &data.test];
    let mut seen = 0;
    for part in all {
        // A record with a known number is at the place that the division determines.
        for index in (0..part.len()).filter(|&index| part.number(index) % 100_000 == 0).take(5) {
            let number = part.number(index);
            assert_eq!(first(&part.select(&[index]).unwrap()), [(number / 100_000) as u8 + 1]);
            seen += 1;
        }
    }
    assert!(seen >= 6, "{seen}");
    let kept = data.kept.unwrap().json();
    assert!(kept.len() < 2000, "{} bytes", kept.len());
}

/// Computed records.
#[derive(Debug)]
struct Squares {
    count: usize,
}

impl Dataset for Squares {
    fn len(&self) -> usize {
        self.count
    }

    fn read(&self, indices: &[usize]) -> anyhow::Result<Records> {
        if let Some(bad) = indices.iter().find(|index| **index == 13) {
            anyhow::bail!("record {bad} is lost");
        }
        let numbers = indices.iter().flat_map(|&index| [index as f32, (index * index) as f32]).collect();
        let x = Column { name: "x".into(), cells: Cells::Reals { shape: vec![2], numbers } };
        let classes = indices.iter().map(|index| index % 3).collect();
        Records::of(vec![x, Column { name: "c".into(), cells: Cells::Classes(classes) }])
    }
}

#[test]
fn records_of_one_s_own_are_read_when_they_are_wanted() {
    let records = Records::stored(Arc::new(Squares { count: 100 })).unwrap();
    let spec = spec(&[("x", Space::Real, &[2]), ("c", Space::Label, &[3])]);
    let batches = Batches::new(&spec, &records, &Device::Cpu).unwrap();
    let batch: Values = batches.take(&records, &[4, 7], None).unwrap();
    assert_eq!(batch.get("x").unwrap().to_vec2::<f32>().unwrap(), [[4., 16.], [7., 49.]]);
    assert_eq!(batch.get("c").unwrap().to_vec2::<f32>().unwrap(), [[0., 1., 0.], [0., 1., 0.]]);
    let error = batches.range(&records, 10, 5).unwrap_err().to_string();
    assert!(error.contains("record 13 is lost"), "{error}");
    let some = records.sample(10, 1);
    assert!(some.is_ok_and(|some| some.len() == 10 && some.dataset().is_none()));
}

/// A table of 60 records, six per patient.
fn patients(path: &Path) {
    let lines = (0..60).map(|at| format!("{at},{},p{}\n", at * 2, at % 10));
    std::fs::write(path, "a,b,patient\n".to_owned() + &lines.collect::<String>()).unwrap();
}

fn numbers(records: &Records) -> BTreeSet<usize> {
    (0..records.len()).map(|index| records.number(index)).collect()
}

fn parts(data: &Data) -> [BTreeSet<usize>; 3] {
    [&data.train, &data.validation, &data.test].map(numbers)
}

#[test]
fn records_of_one_group_stay_together() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.csv");
    patients(&path);
    // The remaining columns fill the variable.
    let spec = spec(&[("x", Space::Real, &[2])]);
    let grouped = Source { group: Some("patient".into()), ..source(&path) };
    let data = data::load(&grouped, &spec, Split::Standard).unwrap();
    let groups = parts(&data).map(|part| part.into_iter().map(|record| record % 10).collect::<BTreeSet<_>>());
    assert_eq!(groups.clone().map(|groups| groups.len()), [7, 2, 1]);
    assert_eq!(groups.into_iter().flatten().collect::<BTreeSet<_>>().len(), 10);
    let again = data::load_kept(&grouped, &spec, data.kept.as_ref().unwrap()).unwrap();
    assert_eq!(parts(&data), parts(&again));
    let error = data::load(&Source { group: Some("who".into()), ..source(&path) }, &spec, Split::Standard);
    let error = format!("{:#}", error.unwrap_err());
    assert!(error.contains("--group who: there is no column `who`") && error.contains("`patient`"), "{error}");
}

#[test]
fn a_file_says_which_record_is_for_what() {
    let place = tempfile::tempdir().unwrap();
    let (path, file) = (place.path().join("t.csv"), place.path().join("parts.json"));
    patients(&path);
    let spec = spec(&[("a", Space::Real, &[1]), ("b", Space::Real, &[1])]);
    let load = |text: &str| {
        std::fs::write(&file, text).unwrap();
        data::load(&Source { indices: Some(file.clone()), ..source(&path) }, &spec, Split::Standard)
    };
    let data = load(r#"{"train": [5, 3], "val": [7], "test": [1, 2]}"#).unwrap();
    assert_eq!(parts(&data), [vec![3, 5], vec![7], vec![1, 2]].map(BTreeSet::from_iter));
    // The division of a run is stored in such a file too.
    let again = load(&data.kept.as_ref().unwrap().json()).unwrap();
    assert_eq!(parts(&data), parts(&again));
    for (text, words) in [
        ("{", "expected {\"train\""),
        (r#"{"train": [1]}"#, "it has no `val`"),
        (r#"{"train": [1], "val": [1], "test": [2]}"#, "record 1 is named twice"),
        (r#"{"train": [1], "val": [60], "test": [2]}"#, "there is no record 60: the 60 records are numbered from 0"),
        (r#"{"train": [], "val": [1], "test": [2]}"#, "its `train` is empty"),
    ] {
        let error = format!("{:#}", load(text).unwrap_err());
        assert!(error.contains(words) && error.contains("--indices"), "{text}: {error}");
    }
}
