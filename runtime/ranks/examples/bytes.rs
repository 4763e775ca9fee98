//! Measures the communication speed between ranks: the constants of docs/scaling.md.
//!
//! ```sh
//! cargo build --release --workspace --example bytes
//! mpirun -np 2 target/release/examples/bytes
//! ```

use anyhow::{Context, Result};
use srvae_ranks::{Communicator, Launch, Mpi};
use std::time::Instant;

/// The time of the fastest repetition, in seconds.
fn fastest(repetitions: usize, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    work()?;
    let mut best = f64::INFINITY;
    for _ in 0..repetitions {
        let begun = Instant::now();
        work()?;
        best = best.min(begun.elapsed().as_secs_f64());
    }
    Ok(best)
}

fn main() -> Result<()> {
    let launch = Launch::read()?.context("start this with mpirun -np 2, or more")?;
    let mpi = Mpi::join(&launch)?;
    let ranks: &dyn Communicator = &mpi;
    let (rank, size) = (ranks.rank(), ranks.size());
    let (to, from) = ((rank + 1) % size, (rank + size - 1) % size);
    if ranks.leads() {
        println!("{} ranks over {}", size, ranks.engine());
    }
    let tell = |what: &str, seconds: f64, bytes: usize| {
        if ranks.leads() {
            let rate = if bytes > 0 { format!(", {:.2} GB/s", bytes as f64 / seconds / 1e9) } else { String::new() };
            println!("{what}: {:.1} us{rate}", 1e6 * seconds);
        }
    };
    let mut heads = vec![0; 1024 * size];
    tell("gather of 1 KiB", fastest(2000, || ranks.gather_equal(&[1; 1024], &mut heads))?, 0);
    for bytes in [8, 1 << 12, 1 << 16, 1 << 20, 1 << 24, 80_000_000] {
        let (outgoing, mut incoming) = (vec![1u8; bytes], vec![0u8; bytes]);
        let repetitions = (200_000_000 / bytes).clamp(5, 2000);
        let seconds = fastest(repetitions, || ranks.exchange(to, &outgoing, from, &mut incoming))?;
        tell(&format!("exchange of {bytes} bytes"), seconds, bytes);
    }
    ranks.finish();
    Ok(())
}
