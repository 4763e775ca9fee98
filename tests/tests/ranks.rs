//! Several ranks with the MPI of this machine. Without MPI the tests are ignored and print the reason; with
//! SRVAE_TEST_MPI=require they fail.

#![cfg(unix)]

#[path = "cli/support.rs"]
#[allow(dead_code, reason = "each test target uses its part")]
mod support;

use anyhow::{Result, bail};
use srvae_tests::trials::{self, Missing, measured};
use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Output};
use std::time::{Duration, Instant};
use support::{Place, Said, said};

srvae_tests::trials!(
    two_ranks_leave_the_bytes_of_one_and_speak_with_one_voice,
    a_run_that_loses_a_rank_goes_on_with_fewer_bit_for_bit,
    what_one_rank_lacks_is_said_once_and_ends_all,
    a_full_disk_on_rank_0_ends_all_and_keeps_the_checkpoint,
    the_library_of_another_launcher_is_noticed,
);

fn main() -> ExitCode {
    trials::run(&[TRIALS])
}

/// Ranks that have not ended by then wait for each other forever: no test computes for more than seconds.
const STUCK: Duration = Duration::from_secs(300);
const TRAIN: &str =
    "train toy.pgm --data builtin --batch 8 --micro-batch 2 --threads 1 --device cpu --checkpoint-every 2";

/// The launchers of this machine. If both families are installed under their own names, both are tested.
fn launchers() -> Result<Vec<&'static str>> {
    let there = |name: &&str| Command::new(*name).arg("--version").output().is_ok_and(|output| output.status.success());
    let own: Vec<&str> = ["mpirun.openmpi", "mpirun.mpich"].into_iter().filter(there).collect();
    let found = if own.is_empty() { ["mpirun"].into_iter().filter(there).collect() } else { own };
    if found.is_empty() && std::env::var_os("SRVAE_TEST_MPI").is_some() {
        bail!("no mpirun, though SRVAE_TEST_MPI asks for one");
    }
    if found.is_empty() {
        bail!(Missing("no mpirun on this machine".into()));
    }
    Ok(found)
}

impl Place {
    /// `mpirun` with its arguments, for a machine with fewer cores than ranks and for any user.
    fn start(&self, launcher: &str, arguments: &str) -> Command {
        let mut command = Command::new(launcher);
        let program = env!("CARGO_BIN_EXE_toy");
        command.args(arguments.split_whitespace().map(|word| if word == "PROGRAM" { program } else { word }));
        command.current_dir(self.root());
        for (name, value) in [
            ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
            ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
            ("OMPI_MCA_rmaps_base_oversubscribe", "1"),
            ("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe"),
        ] {
            command.env(name, value);
        }
        command
    }

    fn ranks(&self, launcher: &str, arguments: &str) -> Said {
        let begun = Instant::now();
        let said = ended(&mut self.start(launcher, arguments));
        measured(&format!("{launcher} {arguments}: {:.1} s", begun.elapsed().as_secs_f64()));
        said
    }

    fn works(&self, launcher: &str, arguments: &str) -> Said {
        let said = self.ranks(launcher, arguments);
        assert_eq!(said.code, 0, "{launcher} {arguments}: {}", said.err);
        said
    }

    /// A script that runs a command on one rank and is then replaced by the program.
    fn script(&self, name: &str, rank: usize, what: &str) -> PathBuf {
        let path = self.path(name);
        let text = format!(
            "#!/bin/sh\nif [ \"${{OMPI_COMM_WORLD_RANK:-$PMI_RANK}}\" = {rank} ]; then\n{what}\nfi\nexec {} \"$@\"\n",
            env!("CARGO_BIN_EXE_toy")
        );
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }
}

/// The output of a launcher and its ranks. All must end, whichever of them failed.
fn ended(command: &mut Command) -> Said {
    let [out, err] = [(); 2].map(|()| tempfile::tempfile().unwrap());
    let mut child = command.stdout(out.try_clone().unwrap()).stderr(err.try_clone().unwrap()).spawn().unwrap();
    let read = |mut file: File| {
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    };
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > STUCK {
            child.kill().unwrap();
            panic!("the ranks do not end: {}", String::from_utf8_lossy(&read(err)));
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    said(Output { status, stdout: read(out), stderr: read(err) })
}

/// One message.
fn fails_once(said: &Said, words: &[&str]) {
    assert_ne!(said.code, 0, "{}", said.err);
    let errors = said.err.lines().filter(|line| line.starts_with("error: ")).count();
    assert_eq!(errors, 1, "{}", said.err);
    for word in words {
        assert!(said.err.contains(word), "`{word}` is not in\n{}", said.err);
    }
}

fn two_ranks_leave_the_bytes_of_one_and_speak_with_one_voice() -> Result<()> {
    let place = Place::new();
    place.json(&format!("{TRAIN} --steps 20 --out one"));
    place.json("encode one --draws 2 --batch 5 --out one.npz");
    place.json("sample one --count 70 --out one.png");
    let one = place.json("eval one --k 12 --batch 5 --images 33");
    for launcher in launchers()? {
        for ranks in [2, 4] {
            let run = format!("{launcher}-{ranks}");
            let said = place.works(launcher, &format!("-np {ranks} PROGRAM {TRAIN} --steps 20 --out {run} --json"));
            assert_eq!(said.out.lines().count(), 1, "{}", said.out);
            assert!(said.err.contains(&format!("ranks: {ranks} by mpirun")), "{}", said.err);
            assert!(
                place.bytes(&format!("{run}/checkpoints/last.safetensors"))
                    == place.bytes("one/checkpoints/last.safetensors")
            );
        }
        place.works(launcher, "-np 2 PROGRAM encode one --threads 1 --draws 2 --batch 5 --out two.npz");
        assert!(place.bytes("two.npz") == place.bytes("one.npz"), "{launcher}: encode");
        place.works(launcher, "-np 2 PROGRAM sample one --threads 1 --count 70 --out two.png");
        assert!(place.bytes("two.png") == place.bytes("one.png"), "{launcher}: sample");
        let said = place.works(launcher, "-np 3 PROGRAM eval one --threads 1 --k 12 --batch 5 --images 33 --json");
        let found: serde_json::Value = serde_json::from_str(said.out.trim()).unwrap();
        for key in ["nll", "nll_by_samples", "standard_error", "bound", "log_likelihood", "terms", "images"] {
            assert_eq!(found[key], one[key], "{launcher}: {key}");
        }
    }
    Ok(())
}

fn a_run_that_loses_a_rank_goes_on_with_fewer_bit_for_bit() -> Result<()> {
    let place = Place::new();
    place.json(&format!("{TRAIN} --steps 4000 --out whole"));
    for launcher in launchers()? {
        let there = format!("[ -e {launcher}/checkpoints/last.safetensors ]");
        let dies = format!("me=$$; (until {there}; do sleep 0.1; done; sleep 0.7; kill -9 $me) &");
        let script = place.script("dies", 1, &dies);
        let said = place.ranks(launcher, &format!("-np 2 {} {TRAIN} --steps 4000 --out {launcher}", script.display()));
        assert_ne!(said.code, 0, "the run was too short to be killed: {}", said.err);
        let said = place.run(&format!("train {launcher} --resume --threads 1 --device cpu"));
        assert_eq!(said.code, 0, "{}", said.err);
        let last = place.bytes(&format!("{launcher}/checkpoints/last.safetensors"));
        assert!(last == place.bytes("whole/checkpoints/last.safetensors"), "{launcher}");
    }
    Ok(())
}

fn what_one_rank_lacks_is_said_once_and_ends_all() -> Result<()> {
    let place = Place::new();
    std::fs::write(place.path("other.pgm"), support::toy::SOURCE.replace("components: 1", "components: 2")).unwrap();
    let train = |model: &str, options: &str| {
        format!("PROGRAM train {model} --batch 8 --threads 1 --device cpu --steps 4 --out run {options}")
    };
    let fine = train("toy.pgm", "--data builtin --micro-batch 2");
    for launcher in launchers()? {
        for (other, words) in [
            (train("toy.pgm", "--data nowhere --micro-batch 2"), vec!["rank 1 of 2: ", "nowhere"]),
            (
                train("other.pgm", "--data builtin --micro-batch 2"),
                vec!["were started differently", "model: rank 1 has toy ("],
            ),
            (train("toy.pgm", "--data builtin --micro-batch 2 --lr 0.1"), vec!["options: rank 1 has 4 steps of 8 ("]),
            ("PROGRAM explain toy.pgm".to_owned(), vec!["runs in one process"]),
            (train("toy.pgm", "--data builtin --micro-batch 8"), vec!["1 micro-batches of 8, too few for 2 ranks"]),
        ] {
            // Commands that do not support ranks are started with both launchers.
            let arguments = match other.contains("explain") || other.contains("--micro-batch 8") {
                true => format!("-np 2 {other}"),
                false => format!("-np 1 {fine} : -np 1 {other}"),
            };
            let said = place.ranks(launcher, &arguments);
            fails_once(&said, &words);
            assert!(said.out.is_empty(), "{}", said.out);
            assert!(!place.path("run").exists(), "{arguments}");
        }
    }
    Ok(())
}

fn a_full_disk_on_rank_0_ends_all_and_keeps_the_checkpoint() -> Result<()> {
    let place = Place::new();
    for launcher in launchers()? {
        place.works(launcher, &format!("-np 2 PROGRAM {TRAIN} --steps 6 --out {launcher}"));
        // From then on, a file may have at most 1 KiB, and a checkpoint is larger.
        let script = place.script("full", 0, "me=$$; (sleep 2; prlimit --fsize=1024 --pid $me) &");
        let said = place.ranks(
            launcher,
            &format!("-np 2 {} train {launcher} --resume --steps 1000000 --threads 1", script.display()),
        );
        fails_once(&said, &["cannot be written"]);
        // The last complete checkpoint is intact: another process continues from it.
        let said = place.run(&format!("eval {launcher} --k 2 --images 8 --json"));
        assert_eq!(said.code, 0, "{}", said.err);
    }
    Ok(())
}

fn the_library_of_another_launcher_is_noticed() -> Result<()> {
    let place = Place::new();
    let found = launchers()?;
    for (launcher, library) in [("mpirun.openmpi", "libmpich.so.12"), ("mpirun.mpich", "libmpi.so.40")] {
        if found.len() < 2 {
            bail!(Missing("two kinds of MPI are needed".into()));
        }
        let mut command = place.start(launcher, &format!("-np 2 PROGRAM {TRAIN} --steps 4 --out run"));
        let said = ended(command.env("SRVAE_MPI", library));
        fails_once(&said, &["started 2 ranks", "belongs to another MPI than the launcher"]);
    }
    Ok(())
}
