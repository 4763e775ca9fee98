//! The pretrained weights: they load, belong to the built-in model, and work with every command.

use serde_json::Value;
use srvae::train::Checkpoint;
use srvae::{DType, Device};
use srvae_models::{MODELS, PRETRAINED};
use std::path::Path;
use std::process::{Command, Output};

/// The maximum size of the weights in bytes, because they are part of the program.
const LARGEST: usize = 3_000_000;

fn weights() -> Checkpoint {
    Checkpoint::parse(PRETRAINED, Path::new("weights"), &Device::Cpu).unwrap()
}

/// Runs the program in an otherwise empty folder.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_srvae-run")).args(arguments).current_dir(folder).output().unwrap()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = run(folder, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let out = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(out.lines().last().unwrap()).unwrap()
}

#[test]
fn they_are_small_widened_and_of_the_model_as_it_is_now() {
    assert!(PRETRAINED.len() <= LARGEST, "{} bytes", PRETRAINED.len());
    let file = weights();
    let header = &file.header;
    assert_eq!(
        (header.model.as_str(), header.preset.as_deref(), header.data.as_str()),
        ("srvae", Some("quick"), "builtin")
    );
    // Two bytes per parameter and a header: half precision, without the optimiser state.
    assert!(PRETRAINED.len() < 2 * file.elements("param") + 200_000 && file.elements("optimiser") == 0);
    assert!(file.group("param").values().all(|tensor| tensor.dtype() == DType::F32));
    let now = MODELS.iter().find(|model| model.name == header.model).unwrap();
    file.check_model(now.name, now.source, &header.settings, Path::new("weights")).unwrap();
    let changed = now.source.replace("components: 10", "components: 9");
    assert_ne!(changed, now.source);
    let error = file.check_model(now.name, &changed, &header.settings, Path::new("weights")).unwrap_err().to_string();
    assert!(error.contains("does not belong to the model") && error.contains("components: 9"), "{error}");
}

#[test]
fn every_mode_takes_them_in_any_folder() {
    let place = tempfile::tempdir().unwrap();
    let drawn = json(place.path(), &["sample", "--pretrained", "--count", "4"]);
    assert_eq!((drawn["mode"].as_str(), drawn["count"].as_u64()), (Some("generation"), Some(4)));
    assert!(place.path().join("pretrained/grids/generation.png").is_file());
    // The folder contains only the results, and no TensorBoard events of a run.
    assert_eq!(std::fs::read_dir(place.path().join("pretrained")).unwrap().count(), 1);
    for mode in ["reconstruct", "upscale", "interpolate"] {
        let drawn = json(place.path(), &[mode, "--pretrained", "--count", "2"]);
        assert!(place.path().join(drawn["picture"].as_str().unwrap()).is_file(), "{drawn}");
    }
    let scored = json(place.path(), &["eval", "--pretrained", "--k", "1", "--images", "8"]);
    assert!(scored["nll"].as_f64().is_some_and(|bits| bits.is_finite() && bits > 0.0), "{scored}");
}

#[test]
fn their_file_is_a_run_like_any_other() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("w.safetensors"), PRETRAINED).unwrap();
    let arrays = |run: &str, out: &str| json(place.path(), &["sample", run, "--count", "3", "--out", out]);
    assert_eq!(arrays("--pretrained", "a.npz")["arrays"], arrays("w.safetensors", "b.npz")["arrays"]);
    let [a, b] = ["a.npz", "b.npz"].map(|name| std::fs::read(place.path().join(name)).unwrap());
    assert!(a == b);
    for arguments in [["sample", "--pretrained", "w.safetensors"].as_slice(), &["sample"], &["report", "--pretrained"]]
    {
        let output = run(place.path(), arguments);
        assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}");
    }
}
