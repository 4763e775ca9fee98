//! Results as arrays: `.npz` files for NumPy, and CSV.

use anyhow::{Context, Result, ensure};
use std::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::path::Path;

/// A named array. Its first axis is the row.
#[derive(Debug, Clone)]
pub struct Array {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Numbers,
}

/// The values of an array.
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Array {
    /// One number for each record.
    pub fn column(name: &str, values: &[f64]) -> Self {
        Self { name: name.to_owned(), shape: vec![values.len()], values: Numbers::F64(values.to_vec()) }
    }

    fn len(&self) -> usize {
        match &self.values {
            Numbers::F32(values) => values.len(),
            Numbers::F64(values) => values.len(),
        }
    }

    /// As `.npy`, version 1.0.
    fn write(&self, out: &mut impl Write) -> Result<()> {
        let count: usize = self.shape.iter().product();
        ensure!(count == self.len(), "{}: {} values for the shape {:?}", self.name, self.len(), self.shape);
        let kind = if matches!(self.values, Numbers::F32(_)) { "<f4" } else { "<f8" };
        let sizes: String = self.shape.iter().map(|size| format!("{size}, ")).collect();
        let mut header =
            format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({}), }}", sizes.trim_end_matches(' '));
        // The whole head is a multiple of 64 bytes long.
        while !(header.len() + 11).is_multiple_of(64) {
            header.push(' ');
        }
        header.push('\n');
        out.write_all(b"\x93NUMPY\x01\x00")?;
        out.write_all(&u16::try_from(header.len()).context("a shape that is too long for a file")?.to_le_bytes())?;
        out.write_all(header.as_bytes())?;
        match &self.values {
            Numbers::F32(values) => values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))?,
            Numbers::F64(values) => values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))?,
        }
        Ok(())
    }
}

/// Writes arrays as one `.npz` file. The same arrays give the same bytes.
///
/// # Errors
/// A path that cannot be written.
pub fn write_npz(path: &Path, arrays: &[Array]) -> Result<()> {
    crate::files::write_with(path, |file| {
        let mut archive = zip::ZipWriter::new(BufWriter::new(file));
        for array in arrays {
            let options = zip::write::SimpleFileOptions::default()
                .compression_method(zip::CompressionMethod::Stored)
                .large_file(array.len() > (1 << 28));
            archive.start_file(format!("{}.npy", array.name), options)?;
            array.write(&mut archive)?;
        }
        archive.finish()?.flush()?;
        Ok(())
    })
}

/// Writes columns of one number per record as CSV, after the record's number. Numbers are written without loss.
///
/// # Errors
/// Columns of different lengths, or a path that cannot be written.
pub fn write_csv(path: &Path, columns: &[(String, Vec<f64>)]) -> Result<()> {
    let count = columns.first().map_or(0, |(_, values)| values.len());
    ensure!(columns.iter().all(|(_, values)| values.len() == count), "columns of different lengths");
    let names: String = columns.iter().map(|(name, _)| format!(",{name}")).collect();
    let mut text = format!("record{names}\n");
    for record in 0..count {
        write!(text, "{record}")?;
        columns.iter().try_for_each(|(_, values)| write!(text, ",{}", values[record]))?;
        text.push('\n');
    }
    crate::files::write(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{Array, Numbers, write_csv, write_npz};
    use std::io::Read;

    #[test]
    fn an_npz_file_holds_headers_and_values() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.npz");
        let z =
            Array { name: "z".into(), shape: vec![2, 3], values: Numbers::F32((0..6).map(|at| at as f32).collect()) };
        write_npz(&path, &[z.clone(), Array::column("nll", &[0.5])]).unwrap();
        let mut archive = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
        let mut bytes = Vec::new();
        archive.by_name("z.npy").unwrap().read_to_end(&mut bytes).unwrap();
        let head = b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3,), }";
        assert!(bytes.starts_with(head), "{}", String::from_utf8_lossy(&bytes));
        assert_eq!(bytes.len(), 128 + 24);
        assert_eq!(bytes[128..132], 0f32.to_le_bytes());
        assert_eq!(bytes[148..], 5f32.to_le_bytes());
        bytes.clear();
        archive.by_name("nll.npy").unwrap().read_to_end(&mut bytes).unwrap();
        assert!(String::from_utf8_lossy(&bytes).contains("'<f8', 'fortran_order': False, 'shape': (1,), }"));
        let first = std::fs::read(&path).unwrap();
        write_npz(&path, &[z.clone(), Array::column("nll", &[0.5])]).unwrap();
        assert!(first == std::fs::read(&path).unwrap());
        assert!(write_npz(&path, &[Array { shape: vec![7], ..z }]).is_err());
    }

    #[test]
    fn a_csv_file_gives_the_numbers_back() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.csv");
        let values = vec![1.0 / 3.0, -1e300];
        write_csv(&path, &[("nll".into(), values.clone()), ("KL_z".into(), vec![0.0, 2.5])]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("record,nll,KL_z"));
        for (number, line) in lines.enumerate() {
            let cells: Vec<&str> = line.split(',').collect();
            assert_eq!((cells[0], cells[1].parse()), (number.to_string().as_str(), Ok(values[number])));
        }
    }
}
