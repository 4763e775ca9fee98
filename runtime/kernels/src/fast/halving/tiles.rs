//! Divides images into tiles.

use super::{LARGE, LARGE_REACH, SIDE, SMALL_REACH};

/// The tiles of a small image, and the corresponding ones of the large image.
#[derive(Debug, Clone, Copy)]
pub struct Tiles {
    pub small: [usize; 2],
    pub large: [usize; 2],
    /// The distance between two pixels in memory.
    pub row: usize,
}

impl Tiles {
    fn across(&self) -> usize {
        self.small[1].div_ceil(SIDE)
    }

    /// Tiles of one image.
    pub fn count(&self) -> usize {
        self.small[0].div_ceil(SIDE) * self.across()
    }

    /// The pixels of the large image on which a tile's products depend.
    pub fn large(
        &self,
        tile: usize,
        image: *const f32,
        outside: *const f32,
    ) -> [[*const f32; LARGE_REACH]; LARGE_REACH] {
        self.places(tile, LARGE, 1, self.large, image, outside)
    }

    /// The pixels of the small image on which a tile's products depend.
    pub fn small(
        &self,
        tile: usize,
        image: *const f32,
        outside: *const f32,
    ) -> [[*const f32; SMALL_REACH]; SMALL_REACH] {
        self.places(tile, SIDE, 0, self.small, image, outside)
    }

    /// The tile's own pixels of the large image.
    pub fn large_own(&self, tile: usize, image: *mut f32, outside: *mut f32) -> [[*mut f32; LARGE]; LARGE] {
        let places = self.places::<LARGE>(tile, LARGE, 0, self.large, image, outside);
        places.map(|row| row.map(<*const f32>::cast_mut))
    }

    /// The tile's own pixels of the small image.
    pub fn small_own(&self, tile: usize, image: *mut f32, outside: *mut f32) -> [[*mut f32; SIDE]; SIDE] {
        let places = self.places::<SIDE>(tile, SIDE, 0, self.small, image, outside);
        places.map(|row| row.map(<*const f32>::cast_mut))
    }

    /// N by N pixels of an image, or `outside` of it, starting `shift` before the tile's corner.
    fn places<const N: usize>(
        &self,
        tile: usize,
        side: usize,
        shift: usize,
        [height, width]: [usize; 2],
        image: *const f32,
        outside: *const f32,
    ) -> [[*const f32; N]; N] {
        let (top, left) = (tile / self.across() * side, tile % self.across() * side);
        std::array::from_fn(|y| {
            let y = (top + y).wrapping_sub(shift);
            std::array::from_fn(|x| {
                let x = (left + x).wrapping_sub(shift);
                if y < height && x < width { image.wrapping_add((y * width + x) * self.row) } else { outside }
            })
        })
    }
}
