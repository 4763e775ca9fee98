//! The macro: errors in a model file are reported by rustc at the file's line and column.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The macro's library next to this test; the newest if there are several builds.
fn library() -> PathBuf {
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let is_it = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&format!("{}srvae_macros-", std::env::consts::DLL_PREFIX))
            && name.ends_with(std::env::consts::DLL_SUFFIX)
    };
    let found = std::fs::read_dir(deps).unwrap().map(|entry| entry.unwrap().path()).filter(|path| is_it(path));
    found.max_by_key(|path| path.metadata().unwrap().modified().unwrap()).unwrap()
}

/// The messages of rustc for a crate with one line that compiles this model file. Nothing is built.
fn says(model: &[u8]) -> (bool, String) {
    says_with(model, None)
}

/// The same for a crate with this manifest.
fn says_with(model: &[u8], manifest: Option<&str>) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("model.pgm"), model).unwrap();
    if let Some(manifest) = manifest {
        std::fs::write(path("Cargo.toml"), manifest).unwrap();
    }
    std::fs::write(path("lib.rs"), "srvae_macros::model!(\"model.pgm\");\n").unwrap();
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "lib.rs", "--extern"])
        .arg(format!("srvae_macros={}", library().display()))
        .current_dir(folder.path())
        .env("CARGO_MANIFEST_DIR", folder.path())
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn errors_stand_at_the_files_own_place() {
    let (built, said) = says(
        b"model m\nobserved x: image[3, 8, 8]\nlatent z: real[4, 4, 4]\n\np(z) = standard_normal\n\
          p(x | z) = logistic_mixture from z |> decodr(growth: 8)\nq(z | x) = normal from x |> encoder(grwth: 8)\n",
    );
    assert!(!built);
    for words in ["model.pgm:6:39", "`decodr`", "did you mean `decoder`?", "model.pgm:7:37", "did you mean `growth`?"] {
        assert!(said.contains(words), "`{words}` is not in\n{said}");
    }
    // The first line of each error is its place in the file and the error.
    let firsts: Vec<&str> = said.lines().filter(|line| line.starts_with("error")).collect();
    assert!(firsts.iter().any(|line| line.starts_with("error: model.pgm:6:39: ")), "{said}");
    assert!(firsts.iter().any(|line| line.starts_with("error: model.pgm:7:37: ")), "{said}");
    for sign in ["panicked", "lib.rs:1:1: error[E0", "cannot find"] {
        assert!(!said.contains(sign), "{said}");
    }
}

#[test]
fn a_file_that_is_no_text_is_one_error() {
    let (built, said) = says(b"model \xff");
    assert!(!built && said.contains("model.pgm:1:7") && said.contains("not UTF-8"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

/// A crate that the manifest lacks is reported at its place in the file, in addition to rustc's error.
#[test]
fn a_missing_crate_is_said_with_its_place() {
    let model = b"model m\nobserved x: real[2]\nlatent z: real[2]\n\
                  net far(h: real[2]) -> real[2] = rust \"far_away::Net\"\n\
                  net near(h: real[2]) -> real[2] = rust \"near_by::Net\"\np(z) = standard_normal\n\
                  p(x | z) = normal(mean: far(z), std: 1)\nq(z | x) = normal(mean: near(x), std: 1)\n";
    let manifest = "[package]\nname = \"m\"\n[dependencies]\nnear-by = \"1\"\n";
    let (built, said) = says_with(model, Some(manifest));
    let words = "model.pgm:4:5: network `far` is `far_away::Net`, and Cargo.toml names no crate `far_away`";
    assert!(!built && said.contains(words), "{said}");
    assert!(!said.contains("names no crate `near_by`"), "{said}");
    // Without a manifest the dependencies are not known.
    assert!(!says(model).1.contains("names no crate"));
}
