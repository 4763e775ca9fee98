//! Checks that all ranks have the same task.

use super::{Communicator, Elsewhere};
use anyhow::{Result, bail};
use sha2::{Digest, Sha256};

/// Data that must be the same on all ranks.
#[derive(Debug, Clone)]
pub struct Mark {
    /// The name in messages: `program`, `model`, `data`.
    pub what: String,
    /// The value in messages: a version, a number of records.
    pub shown: String,
    digest: String,
}

impl Mark {
    /// `content` must be the same on all ranks.
    pub fn new(what: &str, shown: &str, content: impl AsRef<[u8]>) -> Self {
        let mut hash = Sha256::new();
        hash.update(content);
        Self::hashed(what, shown, hash)
    }

    /// A mark from a hash of the content.
    pub fn hashed(what: &str, shown: &str, hash: Sha256) -> Self {
        let digest = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { what: what.to_owned(), shown: shown.to_owned(), digest }
    }

    fn line(&self) -> String {
        format!("{} ({})", self.shown, self.digest)
    }
}

/// Refuses to continue if a rank has another mark than rank 0.
///
/// # Errors
/// The ranks and what differs, on rank 0.
pub fn same(ranks: &dyn Communicator, marks: &[Mark]) -> Result<()> {
    if ranks.size() == 1 {
        return Ok(());
    }
    let own: Vec<String> = marks.iter().map(Mark::line).collect();
    let all = ranks.gather(own.join("\n").as_bytes())?;
    let lines: Vec<Vec<String>> =
        all.iter().map(|told| String::from_utf8_lossy(told).lines().map(str::to_owned).collect()).collect();
    let mut found = Vec::new();
    for (at, mark) in marks.iter().enumerate() {
        let others: Vec<usize> = (1..lines.len()).filter(|&rank| lines[rank].get(at) != lines[0].get(at)).collect();
        let Some(&first) = others.first() else { continue };
        let there = lines[first].get(at).map_or("nothing", String::as_str);
        let more = if others.len() > 1 { format!(" (and {} more ranks)", others.len() - 1) } else { String::new() };
        found.push(format!(
            "  {}: rank {first}{more} has {there}, rank 0 has {}",
            mark.what,
            lines[0].get(at).map_or("nothing", String::as_str)
        ));
    }
    // All ranks have the same information; rank 0 reports it.
    match (found.is_empty(), ranks.leads()) {
        (true, _) => Ok(()),
        (false, false) => Err(Elsewhere.into()),
        (false, true) => bail!("the ranks of this run were started differently:\n{}", found.join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Mark, same};
    use crate::ranks::{Communicator, threads};

    #[test]
    fn ranks_that_differ_are_named_with_what_they_have() {
        let check = |other: usize| {
            let found = threads::run(3, |ranks| {
                let text = if ranks.rank() == other { "model b" } else { "model a" };
                Ok(same(ranks, &[Mark::new("program", "srvae 1", "x"), Mark::new("model", "m.pgm", text)]))
            });
            found.into_iter().map(|outcome| outcome.unwrap()).collect::<Vec<_>>()
        };
        assert!(check(9).iter().all(Result::is_ok));
        let said: Vec<String> = check(2).into_iter().map(|outcome| outcome.unwrap_err().to_string()).collect();
        assert!(said[0].contains("  model: rank 2 has m.pgm (") && !said[0].contains("program"), "{}", said[0]);
        assert_eq!(said[2], "another rank has reported an error");
    }
}
