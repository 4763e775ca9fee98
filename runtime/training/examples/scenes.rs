//! Writes built-in scenes to a file, bytes `[COUNT, 3, SIZE, SIZE]` without a header:
//! `scenes FIRST COUNT SIZE FILE`. `models/weights/make_data.py` makes training data of them.

use srvae_training::data;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [first, count, size, file] = arguments.as_slice() else {
        return Err("usage: scenes FIRST COUNT SIZE FILE".into());
    };
    let first: usize = first.parse()?;
    std::fs::write(file, data::scenes(first..first + count.parse::<usize>()?, size.parse()?))?;
    Ok(())
}
