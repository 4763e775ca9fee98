//! Arbitrary bytes: the parser and the formatter must return without a panic, and formatting must be idempotent.

#![no_main]

use libfuzzer_sys::fuzz_target;
use srvae_dsl::{Source, Style, format, parse};

fuzz_target!(|bytes: &[u8]| {
    let source = match Source::from_bytes("fuzz.pgm", bytes) {
        Ok(source) => source,
        Err(report) => return drop(report.render(Style::Coloured)),
    };
    if let Err(report) = parse(&source) {
        return drop(report.render(Style::Coloured));
    }
    let formatted = Source::new("formatted.pgm", format(&source).expect("a file that parses can be formatted"));
    parse(&formatted).expect("a formatted file parses");
    assert_eq!(format(&formatted).as_ref(), Ok(&formatted.text));
});
