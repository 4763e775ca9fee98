//! Families over a fixed index: one array fills all members.

use super::missing::{found, load, partly};
use super::names::{floats, npy, npz, values};
use super::spec;
use srvae::spec::{Space, Spec};
use std::path::Path;

fn reals(names: &[&str], shape: &[usize]) -> Spec {
    spec(&names.iter().map(|name| (*name, Space::Real, shape)).collect::<Vec<_>>())
}

fn count(shape: &[usize]) -> Vec<u8> {
    npy("<f4", shape, &floats((0..shape.iter().product::<usize>()).map(|at| at as f32)))
}

fn refused(path: &Path, spec: &Spec, bind: &[(&str, &str)], words: &str) {
    let said = format!("{:#}", load(path, spec, bind).unwrap_err());
    assert!(said.contains(words), "{said}");
}

#[test]
fn members_are_cut_from_one_array() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.npz");
    npz(&path, &[("x", count(&[5, 3, 2])), ("w", count(&[5, 3]))]);
    // The axis has the order of the index, which runs down here.
    let x = reals(&["x[3]", "x[2]", "x[1]"], &[2]);
    for bind in [&[][..], &[("x", "x")]] {
        let data = load(&path, &x, bind).unwrap();
        assert_eq!(values(&x, &data, "x[3]")[&4], [24.0, 25.0]);
        assert_eq!(values(&x, &data, "x[1]")[&0], [4.0, 5.0]);
    }
    let w = reals(&["v[1]", "v[2]", "v[3]"], &[1]);
    assert_eq!(values(&w, &load(&path, &w, &[("v", "w")]).unwrap(), "v[2]")[&3], [10.0]);
    // An array of a member's own name comes first.
    npz(&path, &[("x", count(&[5, 3, 2])), ("x[2]", npy("<f4", &[5, 2], &floats([7.0; 10])))]);
    let data = load(&path, &x, &[]).unwrap();
    assert_eq!(
        (&values(&x, &data, "x[2]")[&1][..], &values(&x, &data, "x[3]")[&1][..]),
        (&[7.0; 2][..], &[6.0, 7.0][..])
    );
}

#[test]
fn two_indices_are_two_axes() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.npz");
    npz(&path, &[("x", count(&[4, 2, 3]))]);
    let grid = reals(&["x[1, 1]", "x[1, 2]", "x[1, 3]", "x[2, 1]", "x[2, 2]", "x[2, 3]"], &[1]);
    let data = load(&path, &grid, &[]).unwrap();
    assert_eq!((values(&grid, &data, "x[2, 1]")[&1][0], values(&grid, &data, "x[1, 3]")[&2][0]), (9.0, 14.0));
    refused(&path, &reals(&["x[1, 1]", "x[1, 2]", "x[2, 1]", "x[2, 2]"], &[1]), &[], "[records, 2, 2, 1]");
}

#[test]
fn images_labels_and_columns_fill_members() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.npz");
    let pixels: Vec<u8> = (0..3 * 2 * 4).collect();
    npz(&path, &[("m", npy("|u1", &[3, 2, 2, 2], &pixels)), ("c", npy("|u1", &[3, 2], &[0, 1, 2, 0, 1, 2]))]);
    let both = spec(&[
        ("m[1]", Space::Image, &[1, 2, 2]),
        ("m[2]", Space::Image, &[1, 2, 2]),
        ("c[1]", Space::Label, &[3]),
        ("c[2]", Space::Label, &[3]),
    ]);
    let data = load(&path, &both, &[]).unwrap();
    assert_eq!(values(&both, &data, "m[2]")[&1], [12.0 / 255.0, 13.0 / 255.0, 14.0 / 255.0, 15.0 / 255.0]);
    assert_eq!(values(&both, &data, "c[2]")[&2], [0.0, 0.0, 1.0]);
    let table = place.path().join("t.csv");
    std::fs::write(&table, "g0,g1,g2,g3\n1,2,3,4\n5,6,7,8\n9,10,11,12\n").unwrap();
    let x = reals(&["x[1]", "x[2]"], &[2]);
    assert_eq!(values(&x, &load(&table, &x, &[("x", "g0..g3")]).unwrap(), "x[2]")[&1], [7.0, 8.0]);
    refused(&table, &x, &[("x", "g0..g2")], "there are 3 columns; `x[1]` to `x[2]` take 4");
}

#[test]
fn members_are_missing_one_by_one() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.npz");
    let names = ["x[1]", "x[2]"];
    let x = partly(reals(&names, &[1]), &names);
    let holes = npy("<f4", &[3, 2, 1], &floats([0.0, f32::NAN, 2.0, 3.0, 4.0, 5.0]));
    let read = |says: Option<Vec<u8>>| {
        let mut arrays = vec![("x", holes.clone())];
        arrays.extend(says.map(|says| ("x?", says)));
        npz(&path, &arrays);
        let data = load(&path, &x, &[]).unwrap();
        names.map(|name| found(&x, &data, name).into_iter().map(|row| row.map(|row| row[0])).collect::<Vec<_>>())
    };
    assert_eq!(read(None), [vec![Some(0.0), Some(2.0), Some(4.0)], vec![None, Some(3.0), Some(5.0)]]);
    let each = npy("|u1", &[3, 2], &[1, 1, 0, 1, 1, 0]);
    assert_eq!(read(Some(each)), [vec![Some(0.0), None, Some(4.0)], vec![None, Some(3.0), None]]);
    let record = npy("|u1", &[3], &[1, 0, 1]);
    assert_eq!(read(Some(record)), [vec![Some(0.0), None, Some(4.0)], vec![None, None, Some(5.0)]]);
    npz(&path, &[("x", holes.clone()), ("x?", npy("|u1", &[3, 3], &[1; 9]))]);
    refused(&path, &x, &[], "`x?` is uint8 [3, 3]; the presences of `x[1]` to `x[2]` are [records] or [records, 2]");
}

#[test]
fn arrays_of_other_shapes_are_named_with_the_shape_that_is_taken() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.npz");
    npz(&path, &[("x", count(&[4, 3, 1])), ("y", count(&[4, 2]))]);
    let x = reals(&["x[1]", "x[2]"], &[1]);
    refused(&path, &x, &[], "`x` is float32 [4, 3, 1]; `x[1]` to `x[2]` in one array take [records, 2, 1]");
    refused(&path, &x, &[("x[1]", "x")], "--bind x[1]=x: `x` is float32 [4, 3, 1]; `x[1]` takes [records, 1]");
    refused(&path, &x, &[("x", "none")], "there is no `none`");
    let z = reals(&["z[1]", "z[2]"], &[1]);
    refused(&path, &z, &[], "no field is named `z[1]` or, with all of `z[1]` to `z[2]`, `z` [records, 2, 1]");
    assert_eq!(values(&z, &load(&path, &z, &[("z", "y")]).unwrap(), "z[2]")[&3], [7.0]);
}
