//! A common outcome of all ranks.

use super::Communicator;
use crate::interrupt::Interrupted;
use anyhow::{Error, Result, anyhow};

/// The error on the other ranks if rank 0 reports it. It is not printed.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("another rank has reported an error")]
pub struct Elsewhere;

/// Codes of a rank's outcome: success, an interrupt, or an error.
const FINE: u8 = 0;
const ASKED: u8 = 1;
const FAILED: u8 = 2;

/// The common outcome of work on all ranks. If one rank has failed, all get an error, and rank 0 reports which rank and
/// why.
///
/// # Errors
/// On rank 0, its own error or that of the first rank that failed; on the others [`Elsewhere`]; on all [`Interrupted`],
/// if there is no other error.
pub fn agree<T>(ranks: &dyn Communicator, outcome: Result<T>) -> Result<T> {
    agree_on(ranks, outcome, |_| Ok(Vec::new())).map(|(value, _)| value)
}

/// The common outcome, and the bytes of every rank in the order of ranks.
///
/// # Errors
/// As [`agree`].
pub fn agree_on<T>(
    ranks: &dyn Communicator,
    outcome: Result<T>,
    tell: impl Fn(&T) -> Result<Vec<u8>>,
) -> Result<(T, Vec<Vec<u8>>)> {
    let outcome = outcome.and_then(|value| Ok((tell(&value)?, value)));
    if ranks.size() == 1 {
        return outcome.map(|(told, value)| (value, vec![told]));
    }
    let mut all = ranks.gather(&report(outcome.as_ref().map(|(told, _)| told.as_slice())))?;
    match (verdict(ranks, &all), outcome) {
        // The original error, which may contain more than its text.
        (Err(said), Err(own)) if said.to_string() == format!("{own:#}") => Err(own),
        (Err(said), _) => Err(said),
        (Ok(()), outcome) => {
            all.iter_mut().for_each(|told| *told = told.split_off(1));
            outcome.map(|(_, value)| (value, all))
        }
    }
}

/// The report of a rank's outcome: bytes or an error.
pub(super) fn report(outcome: Result<&[u8], &Error>) -> Vec<u8> {
    match outcome {
        Ok(bytes) => [&[FINE], bytes].concat(),
        Err(error) if error.is::<Interrupted>() => vec![ASKED],
        Err(error) => [&[FAILED], format!("{error:#}").as_bytes()].concat(),
    }
}

/// The common outcome, from the reports of all ranks.
pub(super) fn verdict(ranks: &dyn Communicator, all: &[Vec<u8>]) -> Result<()> {
    let is = |kind: u8| move |told: &Vec<u8>| told.first() == Some(&kind);
    let failed: Vec<usize> = (0..all.len()).filter(|&rank| is(FAILED)(&all[rank])).collect();
    let Some(&first) = failed.first() else {
        return if all.iter().any(is(ASKED)) { Err(Interrupted.into()) } else { Ok(()) };
    };
    if !ranks.leads() {
        return Err(Elsewhere.into());
    }
    let text = String::from_utf8_lossy(&all[first][1..]).into_owned();
    let alike = failed.iter().filter(|&&rank| all[rank] == all[first]).count();
    if alike == all.len() || (first == 0 && failed.len() == 1) {
        return Err(anyhow!(text));
    }
    let more = match failed.len() - alike {
        0 => String::new(),
        more => format!(" ({more} more failed otherwise)"),
    };
    let whose: Vec<String> =
        failed.iter().filter(|&&rank| all[rank] == all[first]).take(8).map(usize::to_string).collect();
    let (many, cut) = (if whose.len() > 1 { "ranks" } else { "rank" }, if alike > whose.len() { ", …" } else { "" });
    Err(anyhow!("{many} {}{cut} of {}: {text}{more}", whose.join(", "), all.len()))
}

#[cfg(test)]
mod tests {
    use super::{Elsewhere, agree};
    use crate::interrupt::Interrupted;
    use crate::ranks::{Communicator, threads};
    use anyhow::{Result, anyhow, bail};

    fn outcomes(work: impl Fn(usize) -> Result<usize> + Sync) -> Vec<Result<usize>> {
        // A rank that returns an error would end the others, so outcomes are returned as values.
        let found = threads::run(4, |ranks| Ok(agree(ranks, work(ranks.rank()))));
        found.into_iter().map(|outcome| outcome.unwrap()).collect()
    }

    #[test]
    fn where_all_went_well_each_has_its_own() {
        let found: Vec<usize> = outcomes(|rank| Ok(10 * rank)).into_iter().map(Result::unwrap).collect();
        assert_eq!(found, [0, 10, 20, 30]);
    }

    #[test]
    fn an_error_of_one_is_said_once() {
        for (work, said) in [
            (
                (|rank| if rank == 2 { bail!("no data") } else { Ok(0) }) as fn(usize) -> Result<usize>,
                "rank 2 of 4: no data",
            ),
            (|rank| if rank > 0 { bail!("no data") } else { Ok(0) }, "ranks 1, 2, 3 of 4: no data"),
            (|rank| Err(anyhow!("rank {}", rank / 3)), "ranks 0, 1, 2 of 4: rank 0 (1 more failed otherwise)"),
            (|_| bail!("no such file"), "no such file"),
            (
                |rank| if rank == 0 { bail!("the disk is full") } else { bail!("no data") },
                "rank 0 of 4: the disk is full (3 more failed otherwise)",
            ),
            (|rank| if rank == 0 { bail!("the disk is full") } else { Ok(0) }, "the disk is full"),
            (|rank| if rank == 0 { Err(Interrupted.into()) } else { bail!("no data") }, "ranks 1, 2, 3 of 4: no data"),
        ] {
            let found: Vec<_> = outcomes(work).into_iter().map(|outcome| outcome.unwrap_err()).collect();
            assert_eq!(found[0].to_string(), said);
            assert!(found[1..].iter().all(|error| error.is::<Elsewhere>()));
        }
    }

    #[test]
    fn an_end_that_one_is_asked_for_is_the_end_of_all() {
        let found = outcomes(|rank| if rank == 3 { Err(Interrupted.into()) } else { Ok(0) });
        assert!(found.iter().all(|outcome| outcome.as_ref().is_err_and(|error| error.is::<Interrupted>())));
    }
}
