//! Detects the launcher of this process from environment variables.

use anyhow::{Result, bail};

/// A program that starts ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Launcher {
    /// `mpirun` of Open MPI.
    OpenMpi,
    /// `mpirun` or `mpiexec` of MPICH, of Intel MPI and of other MPIs derived from it; `srun --mpi=pmi2`.
    Mpich,
    /// `srun` through PMIx, or without a stated interface.
    Slurm,
    /// `torchrun`.
    Torchrun,
}

/// One process of a group that was started together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    pub launcher: Launcher,
    pub rank: usize,
    pub size: usize,
    /// The number of ranks on this machine, and the index of this one among them, if the launcher states them.
    pub local_size: Option<usize>,
    pub local_rank: Option<usize>,
}

/// The environment variables of a launcher: size, rank, ranks on the machine, rank on the machine.
struct Variables {
    launcher: Launcher,
    size: &'static str,
    rank: &'static str,
    local_size: &'static str,
    local_rank: &'static str,
}

/// In the order of the search: a launcher inside a Slurm job comes before Slurm.
const KNOWN: [Variables; 4] = [
    Variables {
        launcher: Launcher::OpenMpi,
        size: "OMPI_COMM_WORLD_SIZE",
        rank: "OMPI_COMM_WORLD_RANK",
        local_size: "OMPI_COMM_WORLD_LOCAL_SIZE",
        local_rank: "OMPI_COMM_WORLD_LOCAL_RANK",
    },
    Variables {
        launcher: Launcher::Mpich,
        size: "PMI_SIZE",
        rank: "PMI_RANK",
        local_size: "MPI_LOCALNRANKS",
        local_rank: "MPI_LOCALRANKID",
    },
    // Only within `srun`. The script of a job has SLURM_PROCID and SLURM_NTASKS too, although it is one process.
    Variables {
        launcher: Launcher::Slurm,
        size: "SLURM_STEP_NUM_TASKS",
        rank: "SLURM_PROCID",
        local_size: "SLURM_STEP_TASKS_PER_NODE",
        local_rank: "SLURM_LOCALID",
    },
    Variables {
        launcher: Launcher::Torchrun,
        size: "WORLD_SIZE",
        rank: "RANK",
        local_size: "LOCAL_WORLD_SIZE",
        local_rank: "LOCAL_RANK",
    },
];

impl Launch {
    /// The launch described by the environment. None if this process was started on its own, or is the only rank.
    ///
    /// # Errors
    /// Contradictory variables of a launcher.
    pub fn read() -> Result<Option<Self>> {
        Self::of(&|name| std::env::var(name).ok())
    }

    fn of(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        // "2(x3)": two on each of three machines.
        let number = |name: &str| -> Option<usize> {
            let text = variable(name)?;
            text.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
        };
        for names in &KNOWN {
            let (Some(size), Some(rank)) = (number(names.size), number(names.rank)) else { continue };
            if rank >= size {
                bail!(
                    "{} is {rank} and {} is {size}: the launcher's variables contradict each other",
                    names.rank,
                    names.size
                );
            }
            let local_size = number(names.local_size).filter(|&local| (1..=size).contains(&local));
            let local_rank = number(names.local_rank);
            let launch = Self { launcher: names.launcher, rank, size, local_size, local_rank };
            return Ok((size > 1).then_some(launch));
        }
        Ok(None)
    }
}

impl Launcher {
    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenMpi => "mpirun (Open MPI)",
            Self::Mpich => "mpirun or srun (PMI)",
            Self::Slurm => "srun",
            Self::Torchrun => "torchrun",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Launch, Launcher};

    fn read(variables: &str) -> anyhow::Result<Option<Launch>> {
        let pairs: Vec<(&str, &str)> = variables.split(' ').filter_map(|pair| pair.split_once('=')).collect();
        Launch::of(&|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_environment_says_what_started_the_process() {
        for (variables, expected) in [
            ("", None),
            ("OMPI_COMM_WORLD_SIZE=1 OMPI_COMM_WORLD_RANK=0", None),
            (
                "OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_LOCAL_SIZE=2 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=1",
                Some((Launcher::OpenMpi, 3, 4, Some(2))),
            ),
            ("PMI_SIZE=2 PMI_RANK=1 MPI_LOCALNRANKS=2", Some((Launcher::Mpich, 1, 2, Some(2)))),
            // The script of a job, outside of srun.
            ("SLURM_NTASKS=8 SLURM_PROCID=0", None),
            (
                "SLURM_NTASKS=6 SLURM_STEP_NUM_TASKS=6 SLURM_PROCID=5 SLURM_STEP_TASKS_PER_NODE=2(x3)",
                Some((Launcher::Slurm, 5, 6, Some(2))),
            ),
            ("WORLD_SIZE=2 RANK=0 LOCAL_RANK=0", Some((Launcher::Torchrun, 0, 2, None))),
        ] {
            let found = read(variables).unwrap();
            let found = found.map(|launch| (launch.launcher, launch.rank, launch.size, launch.local_size));
            assert_eq!(found, expected, "{variables}");
        }
        assert!(read("PMI_SIZE=2 PMI_RANK=2").unwrap_err().to_string().contains("contradict"));
    }
}
