//! A fuzzer's bytes as the decisions of the generator for such files, and as such a file.

#![no_main]

#[path = "../../runtime/tests/hostile/mod.rs"]
mod hostile;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::fuzz("parquet", bytes));
