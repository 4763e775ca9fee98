//! A model file that is not compiled in: interpreted, without a toolchain, and compiled only where that is asked for.

use crate::support::{Place, said};
use std::fs;

const MODEL: &str = "model small\nparam width = 6\nobserved x: image[3, 8, 8]\nlatent z: real[4]\np(z) = standard_normal\n\
    p(x | z) = logistic_mixture(components: 2) from z |> linear(out: 64) |> reshape(1, 8, 8) |> conv(out: width) |> conv\n\
    q(z | x) = normal from x |> flatten |> linear\n";

/// Nothing of the machine's Rust is within reach, and nothing is cached.
#[test]
fn an_unknown_model_runs_without_a_toolchain() {
    let place = Place::new();
    fs::write(place.path("small.pgm"), MODEL).unwrap();
    // A toolchain that would be obeyed, were cargo started here.
    fs::write(place.path("rust-toolchain.toml"), "[toolchain]\nchannel = \"none\"\n").unwrap();
    let run = |arguments: &str| {
        let mut command = place.command(arguments);
        command.env("PATH", "").env("CARGO", "/nonexistent").env("SRVAE_CACHE", place.path("cache"));
        said(command.output().unwrap())
    };
    for arguments in [
        "train small.pgm --set width=4 --steps 4 --batch 4 --out run",
        "train run --resume --steps 6",
        "eval run --k 2 --images 4",
        "sample run --count 2 --out drawn.png",
        "check --deep small.pgm",
    ] {
        let said = run(arguments);
        assert_eq!(said.code, 0, "{arguments}: {}{}", said.out, said.err);
    }
    assert!(place.path("drawn.png").exists());
    assert!(!place.path("cache/programs").exists(), "nothing is compiled unasked");
    run("train small.pgm --compile --steps 1 --out other").is_clear_error("--compile", &["cargo", "https://rustup.rs"]);
    assert!(!place.path("other").exists());
}

/// A network in Rust cannot be interpreted.
#[test]
fn a_network_in_rust_needs_a_crate() {
    let place = Place::new();
    let text = MODEL.replace("net", "").replace("x |> flatten |> linear", "x |> mine")
        + "net mine(h: image[3, 8, 8]) -> real[8] = rust \"crate::Mine\"\n";
    fs::write(place.path("mine.pgm"), text).unwrap();
    place.fails("train mine.pgm --steps 1", &["mine.pgm", "`mine` is written in Rust", "a crate of its own"]);
}

/// What lies in the cache is run only where nobody else can have put it there.
#[test]
#[cfg(unix)]
fn a_cache_that_others_may_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    fs::write(place.path("small.pgm"), MODEL).unwrap();
    let programs = place.path("cache/programs");
    fs::create_dir_all(&programs).unwrap();
    fs::set_permissions(&programs, fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = place.command("train small.pgm --compile --steps 1");
    command.env("SRVAE_CACHE", place.path("cache"));
    said(command.output().unwrap()).is_clear_error("cache", &["programs", "others may write to it", "SRVAE_CACHE"]);
}
