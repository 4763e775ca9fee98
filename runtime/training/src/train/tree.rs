//! Sums whose order of additions does not depend on the division among ranks.

use anyhow::Result;
use std::ops::Range;

/// A sum over leaves 0, 1, 2, … in a balanced binary tree.
///
/// Two adjacent blocks of 2^level leaves, the first of which begins at a multiple of twice their length, are added as
/// soon as both exist, left to right. If the number of leaves is not a power of 2, the remaining blocks are added from
/// the right. Any range of leaves is a row of such blocks. Ranks that sum ranges and then add the blocks of all ranks
/// therefore get the same bits as one rank that sums everything.
#[derive(Debug)]
pub struct Tree<T> {
    blocks: Vec<Block<T>>,
}

/// The sum of 2^level leaves from `start` on.
#[derive(Debug)]
pub struct Block<T> {
    pub start: usize,
    pub level: u32,
    pub sum: T,
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Self { blocks: Vec::new() }
    }
}

impl<T> Tree<T> {
    /// Adds the next block, which begins at the end of the last one.
    ///
    /// # Errors
    /// Those of `add`.
    pub fn push(&mut self, block: Block<T>, add: &impl Fn(T, T) -> Result<T>) -> Result<()> {
        let mut last = block;
        while let Some(before) = self.blocks.pop_if(|before| Self::are_halves(before, &last)) {
            last = Block { start: before.start, level: before.level + 1, sum: add(before.sum, last.sum)? };
        }
        self.blocks.push(last);
        Ok(())
    }

    fn are_halves(left: &Block<T>, right: &Block<T>) -> bool {
        left.level == right.level && left.start.is_multiple_of(2 << left.level)
    }

    /// The remaining blocks, from the left.
    pub fn blocks(self) -> Vec<Block<T>> {
        self.blocks
    }

    /// The total. None without leaves.
    ///
    /// # Errors
    /// Those of `add`.
    pub fn total(self, add: &impl Fn(T, T) -> Result<T>) -> Result<Option<T>> {
        let mut sums = self.blocks.into_iter().rev().map(|block| block.sum);
        let Some(last) = sums.next() else { return Ok(None) };
        sums.try_fold(last, |sum, left| add(left, sum)).map(Some)
    }
}

/// Start and level of the blocks of a range of leaves.
pub fn blocks_of(leaves: Range<usize>) -> Vec<(usize, u32)> {
    let mut tree = Tree::default();
    for start in leaves {
        // There is no addition, so it cannot fail.
        tree.push(Block { start, level: 0, sum: () }, &|(), ()| Ok(())).ok();
    }
    tree.blocks.iter().map(|block| (block.start, block.level)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Block, Tree, blocks_of};
    use anyhow::Result;

    fn add(left: String, right: String) -> Result<String> {
        Ok(format!("({left}{right})"))
    }

    fn leaf(start: usize) -> Block<String> {
        Block { start, level: 0, sum: char::from(b'a' + start as u8).to_string() }
    }

    /// The order of additions over leaves a, b, c, … on a number of ranks.
    fn order(leaves: usize, ranks: usize) -> String {
        let mut top = Tree::default();
        for rank in 0..ranks {
            let own = rank * leaves / ranks..(rank + 1) * leaves / ranks;
            let mut tree = Tree::default();
            own.clone().for_each(|start| tree.push(leaf(start), &add).unwrap());
            let blocks = tree.blocks();
            let known: Vec<(usize, u32)> = blocks.iter().map(|block| (block.start, block.level)).collect();
            assert_eq!(known, blocks_of(own));
            blocks.into_iter().for_each(|block| top.push(block, &add).unwrap());
        }
        top.total(&add).unwrap().unwrap()
    }

    #[test]
    fn additions_are_the_same_for_any_number_of_ranks() {
        assert_eq!(order(8, 1), "(((ab)(cd))((ef)(gh)))");
        assert_eq!(order(7, 1), "(((ab)(cd))((ef)g))");
        for leaves in 1..20 {
            for ranks in 1..=leaves {
                assert_eq!(order(leaves, ranks), order(leaves, 1), "{leaves} leaves on {ranks} ranks");
            }
        }
    }

    #[test]
    fn an_aligned_range_is_one_block() {
        assert_eq!(blocks_of(8..16), [(8, 3)]);
        assert_eq!(blocks_of(3..8), [(3, 0), (4, 2)]);
        assert_eq!(blocks_of(4..4), []);
    }
}
