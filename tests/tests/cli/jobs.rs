//! The results of each command without errors.

use crate::support::{Place, cifar};

#[test]
fn a_file_alone_trains_evaluates_draws_and_reports() {
    let place = Place::new();
    let said = place.run("toy.pgm --steps 30");
    assert_eq!(said.code, 0, "{}", said.err);
    for word in ["test before", "test after", "nll, K = 10", "RE_x", "KL_z", "images/s", "report:", "runs/toy-1"] {
        assert!(said.out.contains(word), "{word}: {}", said.out);
    }
    assert!(said.err.contains("using built-in data, x from scenes"), "{}", said.err);
    for file in [
        "config.json",
        "model.pgm",
        "metrics.jsonl",
        "evaluation.json",
        "report.html",
        "checkpoints/last.safetensors",
        "checkpoints/best.safetensors",
        "grids/generation.png",
        "grids/reconstruction.png",
        "grids/interpolation.png",
    ] {
        assert!(place.path("runs/toy-1").join(file).metadata().is_ok_and(|file| file.len() > 0), "{file}");
    }
    let page = std::fs::read_to_string(place.path("runs/toy-1/report.html")).unwrap();
    assert!(
        !page.contains("http://www.example") && !page.contains("src=\"http") && page.contains("data:image/png;base64,")
    );
    // A second run gets another folder.
    place.json("toy.pgm --steps 3");
    assert!(place.path("runs/toy-2/report.html").exists());
}

#[test]
fn train_and_eval_speak_json_on_the_last_line() {
    let place = Place::new();
    cifar(&place.path("cifar"), 20);
    let trained = place.json("train toy.pgm --data cifar --steps 12 --batch 4 --seed 3 --device cpu --out run");
    assert_eq!(trained["steps"], 12);
    assert!(trained["test_before"].is_f64() && trained["test_after"].is_f64() && trained["images_per_s"].is_f64());
    let found = place.json("eval run --data cifar --k 8 --images 10");
    assert_eq!((found["images"].as_u64(), found["k"].as_u64()), (Some(10), Some(8)));
    for key in ["nll", "standard_error", "seconds"] {
        assert!(found[key].is_f64(), "{key}");
    }
    assert!(found["terms"]["RE_x"].is_f64() && found["terms"]["KL_z"].is_f64());
    // The run has stored the place of its data.
    assert_eq!(place.json("eval run --k 8 --images 10")["nll"], found["nll"]);
    assert_eq!(place.json("eval run/checkpoints/best.safetensors --k 8 --images 10")["nll"], found["nll"]);
}

#[test]
fn the_same_seed_leaves_the_same_bytes() {
    let place = Place::new();
    for run in ["a", "b"] {
        place.json(&format!("train toy.pgm --data builtin --steps 40 --seed 9 --out {run}"));
    }
    for file in ["checkpoints/last.safetensors", "checkpoints/best.safetensors"] {
        let read = |run: &str| std::fs::read(place.path(run).join(file)).unwrap();
        assert!(read("a") == read("b"), "{file}");
    }
    place.json("train toy.pgm --data builtin --steps 40 --seed 8 --out c");
    let last = |run: &str| std::fs::read(place.path(run).join("checkpoints/last.safetensors")).unwrap();
    assert!(last("a") != last("c"));
}

#[test]
fn a_comment_is_no_other_model() {
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 3 --out run");
    let commented = crate::support::toy::SOURCE.replace("p(z) =", "// why not\np(z)   =");
    std::fs::write(place.path("toy.pgm"), commented).unwrap();
    assert_eq!(place.json("train toy.pgm --out run --resume --steps 5")["steps"], 5);
    place.json("eval run --images 2");
}

#[test]
fn every_mode_becomes_a_picture() {
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 5 --out run");
    for (command, file) in [
        ("sample run --count 9 --temperature 0.5", "generation"),
        ("reconstruct run --count 4 --draws 2", "reconstruction"),
        ("interpolate run --count 6 --steps 5", "interpolation"),
    ] {
        let told = place.json(command);
        assert_eq!(told["mode"], file);
        let picture = std::fs::read(place.path(&format!("run/grids/{file}.png"))).unwrap();
        assert!(picture.starts_with(b"\x89PNG"), "{command}");
    }
    let own = place.path("run/grids/generation.png");
    std::fs::copy(own, place.path("own.png")).unwrap();
    place.json("reconstruct run --input own.png --out there.png");
    assert!(place.path("there.png").exists());
    // An image of any size, in tiles: the result has the same size.
    let told = place.json("reconstruct run --input own.png --full-size --decode sample");
    let size = image_size(&place.path("own.png"));
    assert_eq!((told["width"].as_u64(), told["height"].as_u64()), (Some(size.0), Some(size.1)));
    assert_eq!(image_size(&place.path("run/grids/reconstruction_own.png")), size);
    // Two runs on one sheet: the originals once, and the results of both below.
    place.json("train toy.pgm --data builtin --steps 9 --out other");
    let told = place.json("reconstruct run --count 4 --against other");
    assert_eq!(told["rows"], serde_json::json!(["x original", "x run", "x other"]));
    // If two names mean the same mode in a graph, both work.
    assert_eq!(place.json("regenerate run --count 4")["mode"], "reconstruction");
    let told = place.json("interpolate run --input own.png --input there.png --latent z");
    assert_eq!(told["rows"], serde_json::json!(["x along z"]));
    // The same seed draws the same images.
    place.json("sample run --seed 4 --out a.png");
    place.json("sample run --seed 4 --out b.png");
    place.json("sample run --seed 5 --out c.png");
    let read = |name: &str| std::fs::read(place.path(name)).unwrap();
    assert!(read("a.png") == read("b.png") && read("a.png") != read("c.png"));
    let said = place.run("report run --out page.html");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(place.path("page.html").exists());
}

/// Width and height in a PNG file's header.
fn image_size(path: &std::path::Path) -> (u64, u64) {
    let bytes = std::fs::read(path).unwrap();
    let number = |at: usize| u64::from(u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()));
    (number(16), number(20))
}

/// Seconds of a step that belong to none of its parts.
const MEASURING: f64 = 1e-5;

#[test]
fn bench_prints_what_the_yardstick_prints() {
    let place = Place::new();
    for job in ["train", "nll", "generate"] {
        let told = place.json(&format!("bench toy.pgm --job {job} --batch 4 --steps 3 --k 5"));
        assert_eq!(told["job"], job);
        let (least, median) = (told["min_s"].as_f64().unwrap(), told["median_s"].as_f64().unwrap());
        assert!(least > 0.0 && least <= median);
        let images = if job == "nll" { 20.0 } else { 4.0 };
        // Rounding of a quotient, written in decimals.
        assert!((told["images_per_s"].as_f64().unwrap() * least / images - 1.0).abs() < 1e-9);
        assert!(told["peak_bytes"].as_u64().unwrap() > 1_000_000);
        let parts = told["breakdown"].as_object().unwrap().values().map(|part| part.as_f64().unwrap());
        // The parts are the whole step except for waiting for the device and the measurement itself, because a step of
        // this model is very short.
        assert!(parts.sum::<f64>() > 0.9 * least - MEASURING, "{told}");
    }
}

#[test]
fn help_has_examples_and_exit_codes() {
    let place = Place::new();
    let said = place.run("--help");
    assert_eq!(said.code, 0);
    for word in ["Examples:", "Exit codes:", "srvae-run train", "130", "--preset", "--data"] {
        assert!(said.out.contains(word), "{word}");
    }
    for command in [
        "train",
        "eval",
        "sample",
        "reconstruct",
        "regenerate",
        "upscale",
        "interpolate",
        "figure",
        "report",
        "bench",
        "explain",
        "check",
        "fmt",
    ] {
        assert_eq!(place.run(&format!("{command} --help")).code, 0, "{command}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    let line = format!("{} --help | head -c 1 >/dev/null; exit ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_toy"));
    let output = std::process::Command::new("bash").args(["-c", &line]).current_dir(place.root()).output().unwrap();
    // 141: the reader closed the pipe before everything was written.
    assert!([Some(0), Some(141)].contains(&output.status.code()));
    assert_eq!(output.stderr.as_slice(), b"");
    let line = format!("{} bench toy.pgm --steps 1 2>&1 | true; exit ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_toy"));
    let output = std::process::Command::new("bash").args(["-c", &line]).current_dir(place.root()).output().unwrap();
    assert!([Some(0), Some(141)].contains(&output.status.code()));
}

#[test]
fn lsp_serves_an_editor_over_standard_input() {
    use std::io::Write as _;
    let place = Place::new();
    let mut server = place
        .command("lsp")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = server.stdin.take().unwrap();
    for message in [
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}"#,
        r#"{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///a.pgm","languageId":"pgm","version":1,"text":"modl a\n"}}}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"shutdown"}"#,
        r#"{"jsonrpc":"2.0","method":"exit"}"#,
    ] {
        write!(input, "Content-Length: {}\r\n\r\n{message}", message.len()).unwrap();
    }
    let said = crate::support::said(server.wait_with_output().unwrap());
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    for words in ["\"hoverProvider\":true", "did you mean `model`?", "\"id\":2"] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
}

#[test]
fn a_model_of_films_trains_without_a_download() {
    let place = Place::new();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/examples/bouncing.pgm");
    let said =
        place.run(&format!("train {file} --set T=6 --set width=8 --steps 20 --batch 16 --seed 1 --out run --json"));
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("x from films of bouncing balls"), "{}", said.err);
    let result: serde_json::Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
    let [before, after] = ["test_before", "test_after"].map(|key| result[key].as_f64().unwrap());
    assert!(after < before, "{before} {after}");
    place.json("sample run --count 2 --out drawn.npz");
    let drawn = srvae::data::formats::arrays::named(&place.path("drawn.npz")).unwrap();
    let (_, x) = drawn.iter().find(|(name, _)| name == "x").unwrap();
    assert_eq!(x.shape, [2, 6, 1, 16, 16]);
}
