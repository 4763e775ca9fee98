//! Python's pickles, read as data: nothing in them is executed, whatever they name.
//!
//! Data sets and PyTorch's checkpoints come as pickles. A pickle is a program for a small machine that builds objects; here
//! each object it builds is a node of a graph, and calls are kept as calls, for the reader of the format to make sense of.
//! A node may contain itself, and nodes may nest as deep as the program says: whoever walks them bounds the walk.

use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::ops::Range;

/// Instructions of a pickle. The largest data set's has a thirtieth of it; each instruction makes at most one node.
const MOST_INSTRUCTIONS: usize = 1 << 22;
/// The newest version of the format.
const NEWEST: u64 = 5;

/// A pickle over the bytes it was read from.
#[derive(Debug)]
pub struct Pickle<'a> {
    bytes: &'a [u8],
    nodes: Vec<Node>,
    root: usize,
}

#[derive(Debug)]
enum Node {
    /// `None`, and what ends up here nobody asks for.
    Nothing,
    Int(i64),
    Bytes(Range<usize>),
    Text(Range<usize>),
    /// A list or a tuple.
    Sequence(Vec<usize>),
    Dict(Vec<usize>),
    /// Module and name.
    Global(Range<usize>, Range<usize>),
    /// What a call would have made; dictionaries among such objects get entries, and others a state.
    Call {
        callable: usize,
        arguments: usize,
        state: Option<usize>,
        entries: Vec<usize>,
    },
    /// Something that lies outside of the pickle.
    Outside(usize),
}

/// An object of a pickle.
#[derive(Debug, Clone, Copy)]
pub struct Item<'p> {
    pickle: &'p Pickle<'p>,
    node: usize,
}

impl<'a> Pickle<'a> {
    /// The pickle that `bytes` begin with, and its length.
    ///
    /// # Errors
    /// Bytes that are no pickle, end before it does, or have more than four million instructions.
    pub fn read(bytes: &'a [u8]) -> Result<(Self, usize)> {
        ensure!(bytes.first() == Some(&0x80), "not a pickle of protocol 2 or later");
        let mut machine =
            Machine { bytes, at: 0, nodes: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: BTreeMap::new() };
        for _ in 0..MOST_INSTRUCTIONS {
            let at = machine.at;
            if let Some(root) = machine.step().with_context(|| format!("at byte {at} of the pickle"))? {
                return Ok((Self { bytes, nodes: machine.nodes, root }, machine.at));
            }
        }
        bail!("the pickle has more than {MOST_INSTRUCTIONS} instructions; no data set and no checkpoint needs as many")
    }

    /// The pickle that `bytes` are from the first to the last.
    ///
    /// # Errors
    /// As [`Pickle::read`], and bytes that follow it.
    pub fn whole(bytes: &'a [u8]) -> Result<Self> {
        let (pickle, length) = Self::read(bytes)?;
        ensure!(length == bytes.len(), "{} bytes follow the end of the pickle; it is damaged", bytes.len() - length);
        Ok(pickle)
    }

    /// Whatever names something outside of the pickle, in the order of its creation.
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

    /// A text; Python 2 wrote them as bytes.
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

    /// The entries of a dictionary, or of an object that is one (`OrderedDict`).
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

    /// The function of a call, its arguments, and the state its object was given.
    pub fn call(self) -> Option<(String, Self, Option<Self>)> {
        match self.get() {
            Node::Call { callable, arguments, state, .. } => {
                Some((self.at(*callable).global()?, self.at(*arguments), state.map(|node| self.at(node))))
            }
            _ => None,
        }
    }

    /// What names something outside of the pickle.
    pub fn outside(self) -> Option<Self> {
        match self.get() {
            Node::Outside(node) => Some(self.at(*node)),
            _ => None,
        }
    }
}

/// The machine that pickles are programs for.
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    stack: Vec<usize>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: BTreeMap<usize, usize>,
}

impl Machine<'_> {
    /// One instruction; the root after the last.
    fn step(&mut self) -> Result<Option<usize>> {
        match self.byte()? {
            b'.' => return self.pop().map(Some),
            // Protocol and frame say nothing about objects.
            0x80 => {
                let protocol = self.number(1)?;
                ensure!((2..=NEWEST).contains(&protocol), "its protocol is {protocol}; supported are 2 to {NEWEST}");
            }
            0x95 => self.skip(8)?,
            b'(' => self.marks.push(self.stack.len()),
            b'N' | b'G' | b'\x88' | b'\x89' | b'J' | b'K' | b'M' | b'\x8a' => self.constant()?,
            b'U' | b'C' => self.string(1, false)?,
            b'T' | b'B' => self.string(4, false)?,
            0x8e | 0x96 => self.string(8, false)?,
            0x8c => self.string(1, true)?,
            b'X' => self.string(4, true)?,
            0x8d => self.string(8, true)?,
            b']' | b')' => self.push(Node::Sequence(Vec::new())),
            b'}' => self.push(Node::Dict(Vec::new())),
            b'l' | b't' => {
                let items = self.since_mark()?;
                self.push(Node::Sequence(items));
            }
            b'd' => {
                let entries = self.since_mark()?;
                self.push(Node::Dict(entries));
            }
            code @ 0x85..=0x87 => {
                let from = self.stack.len().checked_sub(usize::from(code - 0x84)).context("a tuple without members")?;
                let items = self.stack.split_off(from);
                self.push(Node::Sequence(items));
            }
            b'a' => {
                let item = self.pop()?;
                self.extend(vec![item])?;
            }
            b'e' => {
                let items = self.since_mark()?;
                self.extend(items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.insert(vec![key, value])?;
            }
            b'u' => {
                let entries = self.since_mark()?;
                self.insert(entries)?;
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Node::Global(module, name));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Node::Text(name), Node::Text(module)) = (&self.nodes[name], &self.nodes[module]) else {
                    bail!("a class without a name");
                };
                self.push(Node::Global(module.clone(), name.clone()));
            }
            b'R' | 0x81 => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.push(Node::Call { callable, arguments, state: None, entries: Vec::new() });
            }
            b'b' => self.build()?,
            b'Q' => {
                let name = self.pop()?;
                self.push(Node::Outside(name));
            }
            code @ (b'q' | b'r' | b'h' | b'j' | 0x94) => self.memory(code)?,
            code => bail!("instruction {code:#04x} is none that data needs"),
        }
        Ok(None)
    }

    fn constant(&mut self) -> Result<()> {
        let node = match self.bytes[self.at - 1] {
            b'J' => Node::Int(i64::from(self.number(4)? as u32 as i32)),
            b'K' => Node::Int(self.number(1)? as i64),
            b'M' => Node::Int(self.number(2)? as i64),
            0x88 => Node::Int(1),
            0x89 => Node::Int(0),
            0x8a => {
                let length = self.number(1)? as usize;
                let range = self.take(length)?;
                let bytes = &self.bytes[range.clone()];
                let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
                let mut full = [if negative { 0xff } else { 0 }; 8];
                match length {
                    0..=8 => {
                        full[..length].copy_from_slice(bytes);
                        Node::Int(i64::from_le_bytes(full))
                    }
                    _ => Node::Bytes(range),
                }
            }
            b'G' => {
                self.skip(8)?;
                Node::Nothing
            }
            _ => Node::Nothing,
        };
        self.push(node);
        Ok(())
    }

    fn string(&mut self, width: usize, text: bool) -> Result<()> {
        let length = self.number(width)?;
        let range = self.take(usize::try_from(length)?)?;
        self.push(if text { Node::Text(range) } else { Node::Bytes(range) });
        Ok(())
    }

    fn build(&mut self) -> Result<()> {
        let (given, object) = (self.pop()?, self.top()?);
        match &mut self.nodes[object] {
            Node::Call { state, .. } => *state = Some(given),
            _ => bail!("a state for what has none"),
        }
        Ok(())
    }

    fn memory(&mut self, code: u8) -> Result<()> {
        let key = match code {
            b'q' | b'h' => self.number(1)? as usize,
            0x94 => self.memo.len(),
            _ => self.number(4)? as usize,
        };
        if matches!(code, b'h' | b'j') {
            let node = *self.memo.get(&key).with_context(|| format!("object {key} was never stored"))?;
            self.stack.push(node);
        } else {
            let node = self.top()?;
            self.memo.insert(key, node);
        }
        Ok(())
    }

    fn extend(&mut self, items: Vec<usize>) -> Result<()> {
        let list = self.top()?;
        match &mut self.nodes[list] {
            Node::Sequence(members) => members.extend(items),
            _ => bail!("members for what is no list"),
        }
        Ok(())
    }

    fn insert(&mut self, pairs: Vec<usize>) -> Result<()> {
        ensure!(pairs.len().is_multiple_of(2), "a key without a value");
        let dictionary = self.top()?;
        match &mut self.nodes[dictionary] {
            Node::Dict(entries) | Node::Call { entries, .. } => entries.extend(pairs),
            _ => bail!("entries for what is no dictionary"),
        }
        Ok(())
    }

    fn push(&mut self, node: Node) {
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
    }

    fn pop(&mut self) -> Result<usize> {
        let floor = self.marks.last().copied().unwrap_or(0);
        ensure!(self.stack.len() > floor, "nothing is left to take");
        self.stack.pop().context("nothing is left to take")
    }

    fn top(&self) -> Result<usize> {
        self.stack.last().copied().context("nothing is there yet")
    }

    fn since_mark(&mut self) -> Result<Vec<usize>> {
        let mark = self.marks.pop().context("a list that never began")?;
        ensure!(mark <= self.stack.len(), "a list that ends before it began");
        Ok(self.stack.split_off(mark))
    }

    fn take(&mut self, length: usize) -> Result<Range<usize>> {
        let left = self.bytes.len() - self.at;
        ensure!(length <= left, "{length} bytes are expected and {left} are left; the file is cut short");
        self.at += length;
        Ok(self.at - length..self.at)
    }

    fn skip(&mut self, length: usize) -> Result<()> {
        self.take(length).map(|_| ())
    }

    fn byte(&mut self) -> Result<u8> {
        let range = self.take(1)?;
        Ok(self.bytes[range.start])
    }

    /// Little-endian, without a sign.
    fn number(&mut self, width: usize) -> Result<u64> {
        let range = self.take(width)?;
        Ok(self.bytes[range].iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn line(&mut self) -> Result<Range<usize>> {
        let length = self.bytes[self.at..].iter().position(|&byte| byte == b'\n').context("a name without an end")?;
        let range = self.take(length)?;
        self.skip(1)?;
        Ok(range)
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
        // A list of itself, a hundred thousand tuples in one another, and eight million instructions.
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
