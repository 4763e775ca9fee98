//! NumPy arrays, in `.npy` files and pickles.

use anyhow::{Context, Result, bail, ensure};
use std::borrow::Cow;

/// NumPy's limit on the number of axes.
const MOST_AXES: usize = 64;
/// The maximum size of a header in bytes; NumPy refuses more than 10,000.
const MOST_HEADER: usize = 1 << 16;

/// The type of an array's numbers, with its width in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Signed(usize),
    Unsigned(usize),
    Float(usize),
}

/// An array in C order, little-endian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Array {
    pub kind: Kind,
    pub shape: Vec<usize>,
    /// `shape.product() * kind.width()` bytes.
    pub content: Vec<u8>,
}

impl Kind {
    /// The type from NumPy's short name without the byte order: `u1`, `i8`, `f4`, `b1`.
    ///
    /// # Errors
    /// Another type, such as complex numbers, texts or records.
    pub fn of(name: &str) -> Result<Self> {
        Ok(match name {
            "b1" | "?" => Self::Bool,
            "i1" | "i2" | "i4" | "i8" => Self::Signed(usize::from(name.as_bytes()[1] - b'0')),
            "u1" | "u2" | "u4" | "u8" => Self::Unsigned(usize::from(name.as_bytes()[1] - b'0')),
            "f2" | "f4" | "f8" => Self::Float(usize::from(name.as_bytes()[1] - b'0')),
            other => bail!("its type is `{other}`; supported are whole numbers, floats and booleans of up to 8 bytes"),
        })
    }

    /// Bytes of a number.
    pub fn width(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::Signed(width) | Self::Unsigned(width) | Self::Float(width) => width,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool => out.write_str("bool"),
            Self::Signed(width) => write!(out, "int{}", 8 * width),
            Self::Unsigned(width) => write!(out, "uint{}", 8 * width),
            Self::Float(width) => write!(out, "float{}", 8 * width),
        }
    }
}

impl Array {
    /// Parses a `.npy` file: magic number, version, length of the header, the header (a Python dictionary), the
    /// numbers.
    ///
    /// # Errors
    /// Bytes of another format, an unsupported type or shape, or another number of bytes than the shape states.
    pub fn parse(bytes: Cow<'_, [u8]>) -> Result<Self> {
        let (begin, length) = Head::extent(&bytes)?;
        let end = begin + length;
        let header = header(bytes.get(begin..end).context("its header is cut short")?)?;
        let content = match bytes {
            Cow::Borrowed(bytes) => bytes[end..].to_vec(),
            // In place, because the numbers may take half of the available memory.
            Cow::Owned(mut bytes) => {
                bytes.drain(..end);
                bytes
            }
        };
        Self::new(&header.descr, header.columns_first, header.shape, content)
    }

    /// An array from its parts. `descr` is NumPy's name of the type with the byte order (`<i8`, `|u1`), and
    /// `columns_first` means Fortran order.
    ///
    /// # Errors
    /// An unsupported type, or another number of bytes than the shape states.
    pub fn new(descr: &str, columns_first: bool, shape: Vec<usize>, content: Vec<u8>) -> Result<Self> {
        Self::of(Head::new(descr, columns_first, shape)?, content)
    }

    /// An array from its header and its bytes.
    ///
    /// # Errors
    /// Another number of bytes than the shape states.
    pub fn of(head: Head, mut content: Vec<u8>) -> Result<Self> {
        let Head { kind, swapped, shape, columns_first } = head;
        let wanted = shape.iter().try_fold(kind.width(), |product, &size| product.checked_mul(size));
        let wanted = wanted.with_context(|| format!("shape {shape:?} overflows"))?;
        ensure!(
            content.len() == wanted,
            "shape {shape:?} of {kind} is {wanted} bytes, found are {}; the file is cut short or damaged",
            content.len()
        );
        if swapped {
            content.chunks_exact_mut(kind.width()).for_each(<[u8]>::reverse);
        }
        if columns_first && shape.len() > 1 {
            content = rows_first(&content, &shape, kind.width());
        }
        ensure!(kind != Kind::Bool || content.iter().all(|&byte| byte < 2), "it has booleans other than 0 and 1");
        Ok(Self { kind, shape, content })
    }

    /// The numbers of an integer array.
    ///
    /// # Errors
    /// Floating-point numbers, or a number of at least 2^63.
    pub fn integers(&self) -> Result<Vec<i64>> {
        let signed = match self.kind {
            Kind::Float(_) => bail!("it holds {}; expected whole numbers", self.kind),
            Kind::Signed(_) => true,
            Kind::Bool | Kind::Unsigned(_) => false,
        };
        let number = |bytes: &[u8]| -> Result<i64> {
            let negative = signed && bytes.last().is_some_and(|byte| byte & 0x80 != 0);
            let mut full = [if negative { 0xff } else { 0 }; 8];
            full[..bytes.len()].copy_from_slice(bytes);
            let number = i64::from_le_bytes(full);
            ensure!(signed || number >= 0, "it holds {}, which is too large", number as u64);
            Ok(number)
        };
        self.content.chunks_exact(self.kind.width()).map(number).collect()
    }
}

/// The description of an array without its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub kind: Kind,
    /// Whether the numbers are big-endian.
    pub swapped: bool,
    pub shape: Vec<usize>,
    /// Whether the array is in Fortran order.
    pub columns_first: bool,
}

impl Head {
    /// With the arguments of [`Array::new`].
    ///
    /// # Errors
    /// An unsupported type, or too many axes.
    pub fn new(descr: &str, columns_first: bool, shape: Vec<usize>) -> Result<Self> {
        let (swapped, name) = match descr.as_bytes().first() {
            Some(b'>') => (true, &descr[1..]),
            Some(b'<' | b'|' | b'=') => (false, &descr[1..]),
            _ => (false, descr),
        };
        let kind = Kind::of(name)?;
        ensure!(shape.len() <= MOST_AXES, "it has {} axes; NumPy allows {MOST_AXES}", shape.len());
        Ok(Self { kind, swapped, shape, columns_first })
    }

    /// The offset and the length of a `.npy` file's header, from the file's first 12 bytes.
    ///
    /// # Errors
    /// Bytes of another format.
    pub fn extent(bytes: &[u8]) -> Result<(usize, usize)> {
        ensure!(bytes.starts_with(b"\x93NUMPY") && bytes.len() >= 12, "not a NumPy array");
        let (begin, length) = match bytes[6] {
            1 => (10, usize::from(u16::from_le_bytes([bytes[8], bytes[9]]))),
            2 | 3 => (12, u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize),
            version => bail!("its version is {version}; supported are 1 to 3"),
        };
        ensure!(length <= MOST_HEADER, "its header has {length} bytes; it is damaged");
        Ok((begin, length))
    }

    /// Parses the text of a header.
    ///
    /// # Errors
    /// An invalid text.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let header = header(text)?;
        Self::new(&header.descr, header.columns_first, header.shape)
    }
}

fn header(text: &[u8]) -> Result<Header> {
    Header::parse(std::str::from_utf8(text).context("its header is not text")?)
}

/// Converts an array from Fortran order to C order.
fn rows_first(content: &[u8], shape: &[usize], width: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len());
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = width;
    for size in shape {
        strides.push(stride);
        stride *= size;
    }
    let mut index = vec![0; shape.len()];
    while out.len() < content.len() {
        let at: usize = index.iter().zip(&strides).map(|(index, stride)| index * stride).sum();
        out.extend_from_slice(&content[at..at + width]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    out
}

/// The header's three entries.
struct Header {
    descr: String,
    columns_first: bool,
    shape: Vec<usize>,
}

impl Header {
    /// `{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3072), }`, in any order and with any whitespace.
    fn parse(text: &str) -> Result<Self> {
        let (mut descr, mut columns_first, mut shape) = (None, None, None);
        let mut rest = text.trim().strip_prefix('{').context("its header is not a dictionary")?.trim_start();
        while !rest.starts_with('}') {
            let (key, after) = quoted(rest).context("its header has a key that is not a text")?;
            let value = after.trim_start().strip_prefix(':').context("its header has a key without a value")?;
            let value = value.trim_start();
            rest = match key {
                "descr" => {
                    let (text, after) = quoted(value)
                        .context("its type is a record; supported are whole numbers, floats and booleans")?;
                    descr = Some(text.to_owned());
                    after
                }
                "fortran_order" => {
                    let (flag, after) = [("True", true), ("False", false)]
                        .into_iter()
                        .find_map(|(word, flag)| Some((flag, value.strip_prefix(word)?)))
                        .context("its header's fortran_order is neither True nor False")?;
                    columns_first = Some(flag);
                    after
                }
                "shape" => {
                    let inside = value.strip_prefix('(').and_then(|value| value.split_once(')'));
                    let (sizes, after) = inside.context("its header has no shape")?;
                    let sizes = sizes.split(',').map(str::trim).filter(|size| !size.is_empty());
                    // Python 2 wrote long integers with an L.
                    let sizes = sizes.map(|size| size.trim_end_matches('L').parse());
                    shape = Some(sizes.collect::<Result<_, _>>().context("its shape is not a list of sizes")?);
                    after
                }
                other => bail!("its header has an entry `{other}` that numpy does not write"),
            };
            rest = rest.trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        ensure!(rest == "}", "bytes follow the end of its header");
        Ok(Self {
            descr: descr.context("its header names no type")?,
            columns_first: columns_first.context("its header has no fortran_order")?,
            shape: shape.context("its header has no shape")?,
        })
    }
}

/// A quoted text, and the text after it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|&c| c == '\'' || c == '"')?;
    text[1..].split_once(quote)
}

#[cfg(test)]
mod tests {
    use super::{Array, Kind};

    fn file(header: &str, content: &[u8]) -> Vec<u8> {
        [b"\x93NUMPY\x01\x00", (header.len() as u16).to_le_bytes().as_slice(), header.as_bytes(), content].concat()
    }

    #[test]
    fn orders_of_bytes_and_axes_are_brought_to_one() {
        let expected = [258, -2, 3, 4, 5, 6];
        let rows: Vec<u8> = expected.iter().flat_map(|&number: &i16| number.to_le_bytes()).collect();
        let columns: Vec<u8> = [0, 3, 1, 4, 2, 5].iter().flat_map(|&at: &usize| expected[at].to_be_bytes()).collect();
        for (header, content) in [
            ("{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }\n", rows),
            ("{\"shape\":(2L,3L),'fortran_order':True,'descr':'>i2'}", columns),
        ] {
            let array = Array::parse(file(header, &content).into()).unwrap();
            assert_eq!((array.kind, array.shape.as_slice()), (Kind::Signed(2), [2, 3].as_slice()));
            assert_eq!(array.integers().unwrap(), expected.map(i64::from));
        }
    }

    #[test]
    fn shapes_and_types_that_cannot_be_are_refused() {
        for (descr, shape, words) in [
            ("|u1", "(4294967296, 4294967296, 2)", "overflows"),
            ("|u1", "(0, 18446744073709551616)", "not a list of sizes"),
            ("<i8", "(2,)", "is 16 bytes, found are 4"),
            ("<c8", "(1,)", "its type is `c8`"),
            ("|u1", "(5,)", "is 5 bytes, found are 4"),
            ("|u1", "(-4,)", "not a list of sizes"),
            ("|b1", "(4,)", "booleans other than 0 and 1"),
        ] {
            let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
            let error = format!("{:#}", Array::parse(file(&header, b"abcd").into()).unwrap_err());
            assert!(error.contains(words), "{header}: {error}");
        }
    }
}
