//! Reads Python's pickles as data. No code is executed, whatever they name.
//!
//! Data sets and PyTorch's checkpoints are stored as pickles. A pickle is a program for a stack machine that builds
//! objects. Here each object becomes a node of a graph, and calls are kept as calls, to be interpreted by the reader of
//! the format. A node may contain itself, and nodes may nest to any depth, so every traversal must be limited.

mod machine;

use anyhow::{Context, Result, bail, ensure};
use machine::Machine;
use std::ops::Range;

/// The maximum number of instructions. The largest known data set has a thirtieth of it; each instruction creates at
/// most one node.
const MOST_INSTRUCTIONS: usize = 1 << 22;

/// A pickle, with the bytes from which it was read.
#[derive(Debug)]
pub struct Pickle<'a> {
    bytes: &'a [u8],
    nodes: Vec<Node>,
    root: usize,
}

#[derive(Debug)]
enum Node {
    /// `None`, or an object that is not needed.
    Nothing,
    Int(i64),
    Bytes(Range<usize>),
    Text(Range<usize>),
    /// A list or a tuple.
    Sequence(Vec<usize>),
    Dict(Vec<usize>),
    /// Module and name.
    Global(Range<usize>, Range<usize>),
    /// A call and its arguments. Dictionaries among such objects have entries, and others a state.
    Call {
        callable: usize,
        arguments: usize,
        state: Option<usize>,
        entries: Vec<usize>,
    },
    /// A reference to something outside of the pickle.
    Outside(usize),
}

/// An object of a pickle.
#[derive(Debug, Clone, Copy)]
pub struct Item<'p> {
    pickle: &'p Pickle<'p>,
    node: usize,
}

impl<'a> Pickle<'a> {
    /// The pickle at the beginning of `bytes`, and its length.
    ///
    /// # Errors
    /// Bytes that are not a pickle, a truncated pickle, or one with more than four million instructions.
    pub fn read(bytes: &'a [u8]) -> Result<(Self, usize)> {
        ensure!(bytes.first() == Some(&0x80), "not a pickle of protocol 2 or later");
        let mut machine = Machine::new(bytes);
        for _ in 0..MOST_INSTRUCTIONS {
            let at = machine.at();
            if let Some(root) = machine.step().with_context(|| format!("at byte {at} of the pickle"))? {
                let length = machine.at();
                return Ok((Self { bytes, nodes: machine.nodes(), root }, length));
            }
        }
        bail!("the pickle has more than {MOST_INSTRUCTIONS} instructions; no data set and no checkpoint needs as many")
    }

    /// The pickle that consists of all of `bytes`.
    ///
    /// # Errors
    /// As [`Pickle::read`], and bytes that follow it.
    pub fn whole(bytes: &'a [u8]) -> Result<Self> {
        let (pickle, length) = Self::read(bytes)?;
        ensure!(length == bytes.len(), "{} bytes follow the end of the pickle; it is damaged", bytes.len() - length);
        Ok(pickle)
    }

    /// All references to something outside of the pickle, in the order of creation.
    pub fn outsides(&self) -> impl Iterator<Item = Item<'_>> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Outside(node) => Some(Item { pickle: self, node: *node }),
            _ => None,
        })
    }

    pub fn root(&self) -> Item<'_> {
        Item { pickle: self, node: self.root }
    }
}

impl<'p> Item<'p> {
    fn at(self, node: usize) -> Self {
        Self { node, ..self }
    }

    fn get(self) -> &'p Node {
        &self.pickle.nodes[self.node]
    }

    pub fn int(self) -> Option<i64> {
        match self.get() {
            Node::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// Bytes, or a text's UTF-8.
    pub fn bytes(self) -> Option<&'p [u8]> {
        match self.get() {
            Node::Bytes(range) | Node::Text(range) => Some(&self.pickle.bytes[range.clone()]),
            _ => None,
        }
    }

    /// A text. Python 2 wrote texts as bytes.
    pub fn text(self) -> Option<&'p str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// The members of a list or a tuple.
    pub fn items(self) -> Option<impl ExactSizeIterator<Item = Self>> {
        match self.get() {
            Node::Sequence(nodes) => Some(nodes.iter().map(move |&node| self.at(node))),
            _ => None,
        }
    }

    /// The member at a position of a list or a tuple.
    pub fn item(self, index: usize) -> Option<Self> {
        self.items()?.nth(index)
    }

    /// The entries of a dictionary, or of an object derived from one (`OrderedDict`).
    pub fn entries(self) -> Option<impl Iterator<Item = (Self, Self)>> {
        let flat = match self.get() {
            Node::Dict(entries) | Node::Call { entries, .. } => entries,
            _ => return None,
        };
        Some(flat.chunks_exact(2).map(move |pair| (self.at(pair[0]), self.at(pair[1]))))
    }

    /// The value under a key.
    pub fn value(self, key: &str) -> Option<Self> {
        self.entries()?.find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// A class or a function, as `module.name`.
    pub fn global(self) -> Option<String> {
        let text = |range: &Range<usize>| String::from_utf8_lossy(&self.pickle.bytes[range.clone()]);
        match self.get() {
            Node::Global(module, name) => Some(format!("{}.{}", text(module), text(name))),
            _ => None,
        }
    }

    /// The function of a call, its arguments, and the state that was set on its object.
    pub fn call(self) -> Option<(String, Self, Option<Self>)> {
        match self.get() {
            Node::Call { callable, arguments, state, .. } => {
                Some((self.at(*callable).global()?, self.at(*arguments), state.map(|node| self.at(node))))
            }
            _ => None,
        }
    }

    /// The name of a reference outside of the pickle.
    pub fn outside(self) -> Option<Self> {
        match self.get() {
            Node::Outside(node) => Some(self.at(*node)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pickle;

    // {"a": [1, -2, 300], "b": (b"xy", None)} by Python 3's pickle.dumps, protocols 2 and 4 (the bytes as Python 2 writes them).
    const SECOND: &[u8] =
        b"\x80\x02}q\x00(U\x01aq\x01]q\x02(K\x01J\xfe\xff\xff\xffM,\x01eU\x01bq\x03U\x02xyN\x86q\x04u.rest";
    const FOURTH: &[u8] =
        b"\x80\x04\x95\x1f\0\0\0\0\0\0\0}\x94(\x8c\x01a\x94]\x94(K\x01J\xfe\xff\xff\xffM,\x01e\x8c\x01b\x94C\x02xy\x94N\x86\x94u.";

    #[test]
    fn both_ages_of_the_format_hold_the_same() {
        for (bytes, length) in [(SECOND, SECOND.len() - 4), (FOURTH, FOURTH.len())] {
            let (pickle, read) = Pickle::read(bytes).unwrap();
            let numbers: Vec<i64> =
                pickle.root().value("a").unwrap().items().unwrap().map(|it| it.int().unwrap()).collect();
            assert_eq!(numbers, [1, -2, 300]);
            assert_eq!(pickle.root().value("b").unwrap().item(0).unwrap().bytes(), Some(b"xy".as_slice()));
            assert_eq!(read, length);
        }
    }

    #[test]
    fn programs_that_grow_or_nest_without_end_end() {
        // A list of itself, a hundred thousand nested tuples, and eight million instructions.
        assert!(Pickle::read(b"\x80\x02]q\x00h\x00a.").is_ok());
        let nested = [b"\x80\x02N".as_slice(), &[0x85; 100_000], b"."].concat();
        assert!(Pickle::read(&nested).is_ok());
        let long = [b"\x80\x02".as_slice(), &[b'N'; 8 << 20], b"."].concat();
        let error = Pickle::read(&long).unwrap_err().to_string();
        assert!(error.contains("more than 4194304 instructions"), "{error}");
        let error = Pickle::whole(SECOND).unwrap_err().to_string();
        assert!(error.contains("4 bytes follow"), "{error}");
    }

    #[test]
    fn calls_are_kept_and_never_made() {
        let (pickle, _) = Pickle::read(b"\x80\x02cos\nsystem\nU\x02rm\x85R}U\x01kK\x07sb.").unwrap();
        let (name, arguments, state) = pickle.root().call().unwrap();
        assert_eq!((name.as_str(), arguments.item(0).unwrap().text()), ("os.system", Some("rm")));
        assert_eq!(state.unwrap().value("k").unwrap().int(), Some(7));
    }

    #[test]
    fn what_is_cut_short_or_something_else_is_an_error_at_every_length() {
        let length = FOURTH.len();
        for end in 0..length {
            assert!(Pickle::read(&FOURTH[..end]).is_err(), "{end}");
        }
        for program in [
            b"(.".as_slice(),
            b"e.",
            b"q\x01.",
            b"h\x05.",
            b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff.",
            b"hello",
            b"]K\x01s.",
            b"}q\x00h\x00b.",
            b"\x80\x06N.",
        ] {
            let bytes = [b"\x80\x02", program].concat();
            assert!(Pickle::read(&bytes).is_err(), "{program:?}");
        }
    }
}
