//! The spaces a variable can take its values in.

use crate::graph::Space;

/// A space as the language writes it: `image[3, 32, 32]`.
#[derive(Debug)]
pub struct SpaceEntry {
    pub space: Space,
    pub name: &'static str,
    pub docs: &'static str,
    /// How many sizes may stand in the brackets, both ends included.
    pub ranks: (usize, usize),
    /// What the sizes are, for messages.
    pub sizes: &'static str,
    /// A deterministic factor must have a discrete range: only there is its entropy 0.
    pub discrete: bool,
}

/// All spaces.
pub static SPACES: [SpaceEntry; 4] = [
    SpaceEntry {
        space: Space::Image,
        name: "image",
        docs: "Pixels on the grid k/255, k = 0..=255.",
        ranks: (3, 3),
        sizes: "channels, height, width",
        discrete: true,
    },
    SpaceEntry {
        space: Space::Real,
        name: "real",
        docs: "Real numbers.",
        ranks: (1, 3),
        sizes: "features, or channels, height, width",
        discrete: false,
    },
    SpaceEntry {
        space: Space::Binary,
        name: "binary",
        docs: "Zeros and ones.",
        ranks: (1, 3),
        sizes: "features, or channels, height, width",
        discrete: true,
    },
    SpaceEntry {
        space: Space::Label,
        name: "label",
        docs: "One of n classes, held as a one-hot vector.",
        ranks: (1, 1),
        sizes: "classes",
        discrete: true,
    },
];

/// The entry of a space.
pub fn space_entry(space: Space) -> &'static SpaceEntry {
    let index = match space {
        Space::Image => 0,
        Space::Real => 1,
        Space::Binary => 2,
        Space::Label => 3,
    };
    &SPACES[index]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stand_under_their_space() {
        for entry in &SPACES {
            assert_eq!(space_entry(entry.space).name, entry.name);
        }
    }
}
