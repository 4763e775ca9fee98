//! Parquet files: tables with the feature `parquet`, an error without it. `table.parquet` was written by pyarrow: `a`
//! float32 with a gap at 3, `n` int64, `label` strings, `x` lists of three doubles; gzip, five records per row group.

use super::{fixture, source, spec};
use srvae::data::{self, Split};
use srvae::spec::Space;

#[test]
#[cfg(feature = "parquet")]
fn columns_lists_and_classes_are_fields() {
    use srvae::data::Cells;
    let spec = spec(&[("n", Space::Count, &[1]), ("x", Space::Real, &[3]), ("label", Space::Label, &[2])]);
    let data = data::load(&source(&fixture("table.parquet")), &spec, Split::Standard).unwrap();
    assert_eq!(data.train.len() + data.validation.len() + data.test.len(), 12);
    for index in 0..data.train.len() {
        let number = data.train.number(index);
        let row = |name: &str, size: usize| match &data.train.column(name).unwrap().cells {
            Cells::Reals { numbers, .. } => numbers[index * size..][..size].to_vec(),
            other => panic!("{other:?}"),
        };
        assert_eq!((row("n", 1), row("x", 3)), (vec![number as f32], vec![number as f32, number as f32 + 0.5, 2.0]));
        // cat and dog, in alphabetical order; even numbers are dogs.
        assert_eq!(data.train.label(index), Some(usize::from(number.is_multiple_of(2))));
    }
    let gap = super::spec(&[("a", Space::Real, &[1])]);
    let error = format!("{:#}", data::load(&source(&fixture("table.parquet")), &gap, Split::None).unwrap_err());
    assert!(error.contains("record 3") && error.contains("the value is missing"), "{error}");
}

/// `gaps.parquet` was written by pyarrow: `f` is 0.1, -2.5, nothing and 2^24 as float32, `d` is 0.1, 0.001, 2 and nothing as float64, and `x`
/// are lists of two float32: (0.1, 0.5), no list, (nothing, 1.5) and (2, -3).
#[test]
#[cfg(feature = "parquet")]
fn floats_keep_their_values_and_what_lists_lack_is_missing() {
    use super::missing::{found, load, partly};
    let spec = spec(&[("f", Space::Real, &[1]), ("d", Space::Real, &[1]), ("x", Space::Real, &[2])]);
    let spec = partly(spec, &["f", "d", "x"]);
    let data = load(&fixture("gaps.parquet"), &spec, &[]).unwrap();
    let one = |value: f32| Some(vec![value]);
    assert_eq!(found(&spec, &data, "f"), [one(0.1), one(-2.5), None, one(16_777_216.0)]);
    assert_eq!(found(&spec, &data, "d"), [one(0.1), one(0.001), one(2.0), None]);
    assert_eq!(found(&spec, &data, "x"), [Some(vec![0.1, 0.5]), None, None, Some(vec![2.0, -3.0])]);
    // A name of a class is the shortest text of its number; a negative one is missing.
    let classes = partly(super::spec(&[("f", Space::Label, &[3])]), &["f"]);
    let data = load(&fixture("gaps.parquet"), &classes, &[]).unwrap();
    assert_eq!(data.kept.unwrap().classes["f"], ["0.1", "16777216"]);
    // A double keeps all of its digits: its nearest float32 would have another shortest text.
    let classes = partly(super::spec(&[("d", Space::Label, &[3])]), &["d"]);
    let data = load(&fixture("gaps.parquet"), &classes, &[]).unwrap();
    assert_eq!(data.kept.unwrap().classes["d"], ["0.001", "0.1", "2"]);
    let strict = super::spec(&[("x", Space::Real, &[2])]);
    let error = format!("{:#}", load(&fixture("gaps.parquet"), &strict, &[]).unwrap_err());
    assert!(error.contains("record 1 has the value NaN; values must not be missing"), "{error}");
}

/// `decimals.parquet` and `zstd.parquet` were written by pyarrow too: `x` is 1.25 and -3 as decimal128(10, 2), and `x`
/// is 1 and 2, compressed with zstd.
#[test]
#[cfg(feature = "parquet")]
fn decimals_are_numbers_and_other_packing_is_named() {
    use srvae::data::Cells;
    let spec = spec(&[("x", Space::Real, &[1])]);
    let data = data::load(&source(&fixture("decimals.parquet")), &spec, Split::None).unwrap();
    let mut found: Vec<f32> = [&data.train, &data.test]
        .into_iter()
        .flat_map(|part| match &part.column("x").unwrap().cells {
            Cells::Reals { numbers, .. } => numbers.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    found.sort_by(f32::total_cmp);
    assert_eq!(found, [-3.0, 1.25]);
    let error = format!("{:#}", data::load(&source(&fixture("zstd.parquet")), &spec, Split::None).unwrap_err());
    assert!(error.contains("column `x` is packed by ZSTD") && error.contains("snappy, gzip and none"), "{error}");
}

#[test]
#[cfg(feature = "parquet")]
fn damaged_files_are_one_error() {
    let bytes = std::fs::read(fixture("table.parquet")).unwrap();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("t.parquet");
    let spec = spec(&[("n", Space::Count, &[1])]);
    for at in (0..bytes.len()).step_by(7) {
        let mut other = bytes.clone();
        other[at] ^= 0x55;
        other.truncate(bytes.len() - at % 3);
        std::fs::write(&path, other).unwrap();
        if let Err(error) = data::load(&source(&path), &spec, Split::None) {
            assert!(
                format!("{error:#}").contains("t.parquet") || format!("{error:#}").contains("variable `n`"),
                "{error:#}"
            );
        }
    }
}

#[test]
#[cfg(not(feature = "parquet"))]
fn without_the_feature_the_message_says_how_to_have_it() {
    let spec = spec(&[("n", Space::Count, &[1])]);
    let error = format!("{:#}", data::load(&source(&fixture("table.parquet")), &spec, Split::None).unwrap_err());
    assert!(error.contains("table.parquet") && error.contains("--features parquet"), "{error}");
}
