//! Model files that are not compiled in are interpreted, without a toolchain, and compiled only on request.

use crate::support::{Place, said};
use serde_json::Value;
use std::fs;

const MODEL: &str = "model small\nparam width = 6\nobserved x: image[3, 8, 8]\nlatent z: real[4]\np(z) = standard_normal\n\
    p(x | z) = logistic_mixture(components: 2) from z |> linear(out: 64) |> reshape(1, 8, 8) |> conv(out: width) |> conv\n\
    q(z | x) = normal from x |> flatten |> linear\n";

/// Rust's tools are not reachable, and nothing is cached.
#[test]
fn an_unknown_model_runs_without_a_toolchain() {
    let place = Place::new();
    fs::write(place.path("small.pgm"), MODEL).unwrap();
    // A toolchain setting that cargo would obey if it were started here.
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

/// Semi-supervised: the M2 of Kingma et al. (2014), with digits of which a fifth are labelled.
const M2: &str = "model m2\nparam alpha = 0.1\nobserved x: binary[1, 8, 8]\npartly observed y: label[10]\nlatent z: real[4]\n\
    net hidden(h) = h |> flatten |> linear(out: 24) |> softplus\np(z) = standard_normal\n\
    p(y | z) = categorical from z |> linear\n\
    p(x | y, z) = bernoulli from concat(y, z) |> linear(out: 32) |> softplus |> linear(out: 64) |> reshape(1, 8, 8) |> conv\n\
    q(y | x) = categorical from hidden(x) |> linear\nq(z | x, y) = normal from concat(hidden(x), y) |> linear\n\
    draw y = enumerate\nweight KL_z = ramp(steps: 10)\nobjective + alpha * ln q(y | x) where y is observed\n";

#[test]
fn a_model_of_partly_labelled_records_is_trained() {
    let place = Place::new();
    fs::write(place.path("m2.pgm"), M2).unwrap();
    place.json("train m2.pgm --data builtin --labelled 0.2 --steps 30 --batch 16 --lr 0.01 --out run");
    let lines = fs::read_to_string(place.path("run/metrics.jsonl")).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let scores: Vec<f64> = lines.iter().filter_map(|line| line["test"]["nll"].as_f64()).collect();
    // 64 binary pixels and a class: 47 nats without any knowledge.
    assert!(scores.len() == 2 && scores[0] > 40.0 && scores[1] < scores[0] - 5.0, "{scores:?}");
    let steps: Vec<&Value> = lines.iter().filter(|line| line["weighted"].is_object()).collect();
    assert_eq!(steps.len(), 30);
    let added = "ln q(y | x) where y is observed";
    assert!(steps.iter().all(|line| line["weighted"][added].as_f64().is_some_and(|value| value <= 0.0)));
    let (plain, ramped) = (&steps[4]["terms"]["KL_z"], &steps[4]["weighted"]["KL_z"]);
    let (plain, ramped) = (plain.as_f64().unwrap(), ramped.as_f64().unwrap());
    // Means in f32.
    assert!((ramped - 0.5 * plain).abs() < 1e-6 * plain.abs(), "half of 10 steps: {ramped} of {plain}");
    assert!(
        steps.iter().any(|line| line["terms"]["RE_y"] != 0.0) && steps.iter().all(|line| line["terms"]["KL_y"] != 0.0)
    );
    // The same records are labelled in a resumed run.
    place.json("train run --resume --steps 32");
    assert_eq!(place.json("eval run --images 20 --k 3")["unit"], "nats");
    place.json("encode run --images 20 --out codes.npz");
    let deep = place.run("check --deep m2.pgm");
    assert_eq!(deep.code, 0, "{}{}", deep.out, deep.err);
    place.fails("train small.pgm --data builtin --labelled 2 --steps 1", &["--labelled", "from 0 to 1"]);
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

/// A cached program is run only if nobody else can have put it there.
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
