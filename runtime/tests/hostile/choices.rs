//! Decisions from a seed or from bytes.

/// The source of a generator's decisions. When the bytes are used up, zeros follow, so that every file is finite.
pub enum Choices<'a> {
    Seed(u64),
    Bytes(&'a [u8]),
}

/// Numbers with which arithmetic and allocation may fail.
const EDGES: [u64; 16] = [
    0,
    1,
    2,
    127,
    255,
    256,
    0xffff,
    1 << 20,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 32,
    1 << 40,
    u64::MAX >> 1,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
];

impl Choices<'_> {
    pub fn number(&mut self) -> u64 {
        match self {
            // SplitMix64
            Self::Seed(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                mixed ^ (mixed >> 31)
            }
            Self::Bytes(bytes) => {
                let (now, rest) = bytes.split_at(bytes.len().min(2));
                *bytes = rest;
                now.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
            }
        }
    }

    /// Below `count`, which is at least 1.
    pub fn below(&mut self, count: usize) -> usize {
        (self.number() % count as u64) as usize
    }

    /// True once in `count` times.
    pub fn once_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }

    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.number() as u8).collect()
    }

    /// Mostly a small number, sometimes one that may overflow.
    pub fn size(&mut self) -> u64 {
        match self.below(8) {
            7 => self.pick(&EDGES),
            small => small as u64,
        }
    }

    /// Mostly the correct number.
    pub fn about(&mut self, right: u64) -> u64 {
        match self.below(40) {
            37 => self.size(),
            38 => right.wrapping_add(1),
            39 => right.wrapping_sub(1),
            _ => right,
        }
    }

    /// Sometimes changes some of the bytes, like damage.
    pub fn damage(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        if bytes.is_empty() || !self.once_in(3) {
            return bytes;
        }
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            match self.below(4) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = self.number() as u8,
                2 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, self.number() as u8),
            }
        }
        bytes
    }
}
