//! Millions of hostile files for one reader, made from seeds on a stable compiler:
//!
//! ```sh
//! cargo run --release -p srvae --example hostile -- pth 1000000 [FIRST SEED]
//! ```
//!
//! Prints how many were accepted, the slowest one and the peak of memory. A panic names the seed of its file; after an abort or a
//! hang, the last line of progress says where to look, and `1 SEED` tries one file alone.

#[path = "../tests/hostile/mod.rs"]
mod hostile;

use hostile::{Choices, LIMIT, READERS};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Files between two lines of progress.
const CHUNK: u64 = 100_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| arguments.get(at).map_or(Some(default), |text| text.parse().ok());
    let reader = arguments.first().and_then(|name| READERS.iter().find(|reader| reader.name == *name));
    let (Some(reader), Some(count), Some(first)) = (reader, number(1, CHUNK), number(2, 0)) else {
        let names: Vec<&str> = READERS.iter().map(|reader| reader.name).collect();
        eprintln!("usage: hostile READER [COUNT] [FIRST SEED]; readers are {}", names.join(", "));
        return ExitCode::FAILURE;
    };
    srvae::input::set_limit(LIMIT);
    std::panic::set_hook(Box::new(|_| {}));
    let (begun, mut accepted, mut panics) = (Instant::now(), 0u64, 0u64);
    let mut slowest = (Duration::ZERO, 0);
    for seed in first..first.saturating_add(count) {
        let bytes = (reader.generate)(&mut Choices::Seed(seed));
        let start = Instant::now();
        match std::panic::catch_unwind(|| (reader.read)(&bytes)) {
            Ok(fine) => accepted += u64::from(fine),
            Err(_) => {
                println!("{}: seed {seed} panics", reader.name);
                panics += 1;
            }
        }
        slowest = slowest.max((start.elapsed(), seed));
        if (seed + 1 - first).is_multiple_of(CHUNK) || seed + 1 == first + count {
            println!(
                "{}: {} files in {:.0} s, {accepted} accepted, {panics} panics; slowest {:.1} ms (seed {}); peak memory {} MiB",
                reader.name,
                seed + 1 - first,
                begun.elapsed().as_secs_f64(),
                slowest.0.as_secs_f64() * 1e3,
                slowest.1,
                peak().map_or("?".into(), |peak| peak.to_string())
            );
        }
    }
    if panics == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The most memory this process had, in MiB, where the system says.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kibibytes| kibibytes / 1024)
}
