//! Data sets: what is read, what is drawn, and what is said of files that are wrong.

use srvae_runtime::data::{self, Source, Split};
use srvae_runtime::picture;
use std::path::Path;

#[test]
fn the_builtin_pictures_differ_from_each_other_and_never_change() {
    let data = data::load(&Source::Builtin, [3, 32, 32], Split::default()).unwrap();
    let again = data::load(&Source::Builtin, [3, 32, 32], Split::default()).unwrap();
    assert_eq!(data.train.picture(17), again.train.picture(17));
    let mut pictures: Vec<&[u8]> = (0..data.train.len()).map(|index| data.train.picture(index)).collect();
    pictures.sort_unstable();
    pictures.dedup();
    assert_eq!(pictures.len(), data.train.len());
    if let Ok(path) = std::env::var("SRVAE_BUILTIN_GRID") {
        let grid: Vec<_> = (0..200)
            .map(|index| {
                let picture = data.train.picture(index);
                image::RgbImage::from_fn(32, 32, |x, y| {
                    image::Rgb([0, 1, 2].map(|c| picture[c * 1024 + (y * 32 + x) as usize]))
                })
            })
            .map(|small| picture::enlarge(&small, 2))
            .collect();
        let rows: Vec<_> = (0..10).map(|kind| grid.iter().skip(kind).step_by(10).cloned().collect()).collect();
        picture::save(&picture::rows(&rows), Path::new(&path)).unwrap();
    }
}
