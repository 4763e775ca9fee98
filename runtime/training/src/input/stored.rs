//! Arrays that stay in their file: rows are read on demand, so that an array may be larger than memory.

use super::limit;
use super::npy::{Array, Head, Kind};
use anyhow::{Context, Result, bail, ensure};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The default size in bytes from which a file's arrays stay in the file.
pub const DEFAULT_RESIDENT: u64 = 1 << 30;

static RESIDENT: AtomicU64 = AtomicU64::new(DEFAULT_RESIDENT);

/// The maximum size in bytes of a file, or of its records, to be kept in memory.
pub fn resident() -> u64 {
    RESIDENT.load(Ordering::Relaxed)
}

/// Sets [`resident`] for the whole program (`--stream-above`).
pub fn set_resident(bytes: u64) {
    RESIDENT.store(bytes, Ordering::Relaxed);
}

/// An array in a file, whose first axis is the record. The file is read with positioned reads, not memory-mapped. A
/// file that is truncated meanwhile is then an error, and the data do not count as memory of this process.
#[derive(Debug, Clone)]
pub struct Stored {
    file: Arc<File>,
    path: PathBuf,
    /// The offset of the first number.
    offset: u64,
    /// Whether the numbers are big-endian.
    swapped: bool,
    pub kind: Kind,
    pub shape: Vec<usize>,
    /// The bytes from one record to the next: more than a record's own if the array is a member of a larger one.
    stride: usize,
    /// The selected rows of the file, if not all in order.
    rows: Option<Arc<Vec<usize>>>,
}

impl Stored {
    /// An array from its header. Its numbers begin at `offset`.
    ///
    /// # Errors
    /// A file that is too short, or an array in Fortran order.
    pub fn new(file: Arc<File>, path: &Path, offset: u64, head: &Head) -> Result<Self> {
        let Head { kind, swapped, ref shape, columns_first } = *head;
        ensure!(
            !columns_first || shape.len() < 2,
            "it is stored in Fortran order, so records cannot be read one by one; save it with numpy.ascontiguousarray"
        );
        ensure!(!shape.is_empty(), "it is a single number");
        let size = shape.iter().try_fold(kind.width() as u64, |size, &axis| size.checked_mul(axis as u64));
        let end =
            size.and_then(|size| offset.checked_add(size)).with_context(|| format!("shape {shape:?} overflows"))?;
        let length = file.metadata()?.len();
        ensure!(
            end <= length,
            "shape {shape:?} of {kind} ends at byte {end}, and the file has {length}; it is cut short"
        );
        let stride = shape.iter().skip(1).product::<usize>() * kind.width();
        Ok(Self { file, path: path.to_owned(), offset, swapped, kind, shape: shape.clone(), stride, rows: None })
    }

    pub fn len(&self) -> usize {
        self.rows.as_ref().map_or(self.shape[0], |rows| rows.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The size of a record in bytes.
    pub fn row(&self) -> usize {
        self.shape.iter().skip(1).product::<usize>() * self.kind.width()
    }

    /// The array with only these records.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        let rows = indices.iter().map(|&index| self.place(index)).collect();
        Self { rows: Some(Arc::new(rows)), ..self.clone() }
    }

    /// One member of an array whose `axes` axes after the record count members: the one with this number.
    #[must_use]
    pub fn member(&self, axes: usize, number: usize) -> Self {
        let shape: Vec<usize> = std::iter::once(self.shape[0]).chain(self.shape[1 + axes..].iter().copied()).collect();
        let own = shape.iter().skip(1).product::<usize>() * self.kind.width();
        Self { offset: self.offset + (number * own) as u64, shape, ..self.clone() }
    }

    fn place(&self, index: usize) -> usize {
        self.rows.as_ref().map_or(index, |rows| rows[index])
    }

    /// These records, in memory.
    ///
    /// # Errors
    /// A file that can no longer be read, or more bytes than the memory limit.
    pub fn read(&self, indices: &[usize]) -> Result<Array> {
        let row = self.row();
        let bytes = row.checked_mul(indices.len()).context("more bytes than there are")?;
        super::within(bytes as u64, limit()).with_context(|| self.path.display().to_string())?;
        let mut content = vec![0; bytes];
        let mut at = 0;
        while at < indices.len() {
            let first = self.place(indices[at]);
            ensure!(first < self.shape[0], "{}: there is no record {first}", self.path.display());
            // Adjacent records are read at once.
            let follows = |count: usize| {
                row == self.stride && at + count < indices.len() && self.place(indices[at + count]) == first + count
            };
            let count = (1..).find(|&count| !follows(count)).unwrap_or(1);
            let place = self.offset + (first * self.stride) as u64;
            let part = &mut content[at * row..(at + count) * row];
            read_at(&self.file, part, place)
                .with_context(|| format!("{}: record {first} cannot be read any more", self.path.display()))?;
            at += count;
        }
        if self.swapped {
            content.chunks_exact_mut(self.kind.width()).for_each(<[u8]>::reverse);
        }
        ensure!(
            self.kind != Kind::Bool || content.iter().all(|&byte| byte < 2),
            "{}: it has booleans other than 0 and 1",
            self.path.display()
        );
        let shape = std::iter::once(indices.len()).chain(self.shape.iter().skip(1).copied()).collect();
        Ok(Array { kind: self.kind, shape, content })
    }

    /// At most `most` records, spread evenly over all of them.
    ///
    /// # Errors
    /// As [`Stored::read`].
    pub fn spread(&self, most: usize) -> Result<Array> {
        let count = self.len().min(most);
        self.read(&(0..count).map(|at| at * self.len() / count.max(1)).collect::<Vec<_>>())
    }
}

#[cfg(unix)]
fn read_at(file: &File, part: &mut [u8], place: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, part, place)
}

#[cfg(windows)]
fn read_at(file: &File, mut part: &mut [u8], mut place: u64) -> std::io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !part.is_empty() {
        match file.seek_read(part, place)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => {
                part = &mut part[count..];
                place += count as u64;
            }
        }
    }
    Ok(())
}

/// The array of a `.npy` file that begins at an offset of another file.
///
/// # Errors
/// Bytes of another format.
pub fn npy_at(file: &Arc<File>, path: &Path, begin: u64) -> Result<Stored> {
    let mut first = [0; 12];
    read_at(file, &mut first, begin).context("not a NumPy array")?;
    let (start, length) = Head::extent(&first)?;
    let mut text = vec![0; length];
    read_at(file, &mut text, begin + start as u64).context("its header is cut short")?;
    Stored::new(file.clone(), path, begin + (start + length) as u64, &Head::parse(&text)?)
}

/// A range of bytes of a file, for headers of other formats.
///
/// # Errors
/// A file that is too short.
pub fn part(file: &File, place: u64, length: usize) -> Result<Vec<u8>> {
    if length as u64 > limit() {
        bail!("its header has {length} bytes; it is damaged");
    }
    let mut bytes = vec![0; length];
    read_at(file, &mut bytes, place).context("its header is cut short")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::open;

    #[test]
    fn rows_are_read_from_where_they_lie() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        let header = "{'descr': '>i2', 'fortran_order': False, 'shape': (5, 2), }";
        let numbers = (0..10i16).flat_map(i16::to_be_bytes).collect::<Vec<u8>>();
        let head = [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
        std::fs::write(&path, [head.as_slice(), &numbers].concat()).unwrap();
        let file = Arc::new(open(&path).unwrap());
        let stored = npy_at(&file, &path, 0).unwrap();
        assert_eq!((stored.len(), stored.row(), stored.kind), (5, 4, Kind::Signed(2)));
        assert_eq!(stored.read(&[3, 4, 0]).unwrap().integers().unwrap(), [6, 7, 8, 9, 0, 1]);
        let some = stored.select(&[4, 1]);
        assert_eq!((some.len(), some.read(&[1, 0]).unwrap().integers().unwrap()), (2, vec![2, 3, 8, 9]));
        // A member of an array of two: the second number of each record.
        let member = stored.member(1, 1);
        assert_eq!((&member.shape[..], member.row()), (&[5][..], 2));
        assert_eq!(member.select(&[4, 1, 2]).read(&[0, 1, 2]).unwrap().integers().unwrap(), [9, 3, 5]);
        assert_eq!(stored.spread(2).unwrap().integers().unwrap(), [0, 1, 4, 5]);
        // Truncated after it was opened.
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(head.len() as u64 + 8).unwrap();
        assert!(stored.read(&[1]).is_ok());
        let error = format!("{:#}", stored.read(&[4]).unwrap_err());
        assert!(error.contains("record 4 cannot be read any more"), "{error}");
        let error = format!("{:#}", npy_at(&file, &path, 0).unwrap_err());
        assert!(error.contains("cut short"), "{error}");
    }
}
