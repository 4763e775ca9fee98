//! The stack machine that executes pickles.

use super::Node;
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::ops::Range;

/// The highest supported protocol version.
const NEWEST: u64 = 5;

/// The state of the stack machine.
pub struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    stack: Vec<usize>,
    /// Saved heights of the stack.
    marks: Vec<usize>,
    memo: BTreeMap<usize, usize>,
}

impl<'a> Machine<'a> {
    /// The state before the first instruction.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, nodes: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: BTreeMap::new() }
    }

    /// The number of bytes read.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The objects that were built.
    pub fn nodes(self) -> Vec<Node> {
        self.nodes
    }

    /// Executes one instruction. Returns the root after the last one.
    pub fn step(&mut self) -> Result<Option<usize>> {
        match self.byte()? {
            b'.' => return self.pop().map(Some),
            // Protocol and frame instructions do not affect objects.
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
            code @ (b']' | b')' | b'l' | b't' | 0x85..=0x87 | b'}' | b'd') => self.collection(code)?,
            code @ (b'a' | b'e' | b's' | b'u') => self.fill(code)?,
            code @ (b'c' | 0x93) => self.global(code)?,
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
            code => bail!("instruction {code:#04x} does not occur in pickled data"),
        }
        Ok(None)
    }

    /// A new list, tuple or dictionary: empty, of all values since the mark, or of the last one, two or three.
    fn collection(&mut self, code: u8) -> Result<()> {
        let node = match code {
            b'l' | b't' => Node::Sequence(self.since_mark()?),
            b'}' => Node::Dict(Vec::new()),
            b'd' => Node::Dict(self.since_mark()?),
            0x85..=0x87 => {
                let from = self.stack.len().checked_sub(usize::from(code - 0x84)).context("a tuple without members")?;
                Node::Sequence(self.stack.split_off(from))
            }
            _ => Node::Sequence(Vec::new()),
        };
        self.push(node);
        Ok(())
    }

    /// Appends to a list or inserts into a dictionary: the last value or entry, or all since the mark.
    fn fill(&mut self, code: u8) -> Result<()> {
        match code {
            b'a' => {
                let item = self.pop()?;
                self.extend(vec![item])
            }
            b'e' => {
                let items = self.since_mark()?;
                self.extend(items)
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.insert(vec![key, value])
            }
            _ => {
                let entries = self.since_mark()?;
                self.insert(entries)
            }
        }
    }

    /// A class by name: from lines of the file, or from the last two values.
    fn global(&mut self, code: u8) -> Result<()> {
        let (module, name) = match code {
            b'c' => (self.line()?, self.line()?),
            _ => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Node::Text(name), Node::Text(module)) = (&self.nodes[name], &self.nodes[module]) else {
                    bail!("a class without a name");
                };
                (module.clone(), name.clone())
            }
        };
        self.push(Node::Global(module, name));
        Ok(())
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
            _ => bail!("a state is set on an object that has none"),
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
            _ => bail!("values are appended to an object that is not a list"),
        }
        Ok(())
    }

    fn insert(&mut self, pairs: Vec<usize>) -> Result<()> {
        ensure!(pairs.len().is_multiple_of(2), "a key without a value");
        let dictionary = self.top()?;
        match &mut self.nodes[dictionary] {
            Node::Dict(entries) | Node::Call { entries, .. } => entries.extend(pairs),
            _ => bail!("entries are set on an object that is not a dictionary"),
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

    /// An unsigned little-endian number.
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
