//! Commands for likelihoods, tables, and import and export of weights.

use crate::support::{Place, cifar, said};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;

#[test]
fn eval_counts_samples_from_one_up_and_chunks_change_nothing() {
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 20 --out run");
    let found = place.json("eval run --k 100 --images 6");
    let by_samples = found["nll_by_samples"].as_object().unwrap();
    assert_eq!(by_samples.keys().collect::<Vec<_>>(), ["1", "10", "100"]);
    assert_eq!(by_samples["100"], found["nll"]);
    let again = place.json("eval run --k 100 --images 6 --chunk 7 --batch 2");
    let bits = |value: &serde_json::Value| value["nll"].as_f64().unwrap();
    // The draws are the same; sums in f32 over other shapes differ in their last digits.
    assert!((bits(&found) - bits(&again)).abs() < 1e-5);
    // As in the paper, by default.
    assert_eq!(place.json("eval run --images 2")["k"], 500);
}

#[test]
fn a_table_has_a_row_for_each_model_and_data_set() {
    let place = Place::new();
    cifar(&place.path("cifar"), 12);
    cifar(&place.path("other"), 9);
    for (run, seed) in [("a", 1), ("b", 2)] {
        place.json(&format!("train toy.pgm --data cifar --steps 20 --seed {seed} --out {run}"));
    }
    let arguments = "table a b --transfer other --k 10 --no-fid";
    let found = place.json(arguments);
    let rows = found["rows"].as_array().unwrap();
    let names: Vec<_> = rows.iter().map(|row| (row["run"].as_str().unwrap(), row["data"].as_str().unwrap())).collect();
    assert_eq!(names, [("a", "cifar"), ("b", "cifar"), ("a", "other"), ("b", "other")]);
    assert!(rows.iter().all(|row| row["nll"].is_f64() && row["terms"]["KL_z"].is_f64() && row["fid"].is_null()));
    assert_eq!(rows[0]["nll"], place.json("eval a --k 10")["nll"]);
    assert_eq!(rows[3]["nll"], place.json("eval b --data other --k 10")["nll"]);
    let said = place.run(arguments);
    for word in ["run", "data", "nll", "RE_x", "KL_z", "FID", "cifar", "other", "10 importance samples", "12, 12, 9, 9"]
    {
        assert!(said.out.contains(word), "{word}: {}", said.out);
    }
}

/// Runs of one table divide it differently or read other columns, so each has its own test data.
#[test]
fn a_table_evaluates_each_run_on_its_own_test_data() {
    let place = Place::new();
    let lines = (0..80).map(|at| format!("{},{}\n", f64::from(at).sin(), f64::from(at % 7)));
    fs::write(place.path("t.csv"), "a,b\n".to_owned() + &lines.collect::<String>()).unwrap();
    for (name, columns, all) in [("one", "a", "a"), ("both", "a, b", "concat(a, b)")] {
        let factors = columns.split(", ").map(|v| format!("p({v} | z) = normal from z |> linear\n"));
        let text = format!(
            "model {name}\nobserved {columns}: real[1]\nlatent z: real[1]\np(z) = standard_normal\n{}q(z | {columns}) = normal from {all} |> linear\n",
            factors.collect::<String>()
        );
        fs::write(place.path(&format!("{name}.pgm")), text).unwrap();
    }
    for (run, options) in [("first", "one.pgm"), ("second", "one.pgm --data-seed 5"), ("third", "both.pgm")] {
        place.json(&format!("train {options} --data t.csv --steps 10 --out {run}"));
    }
    let found = place.json("table first second third --k 5 --no-fid");
    for row in found["rows"].as_array().unwrap() {
        let alone = place.json(&format!("eval {} --k 5", row["run"].as_str().unwrap()));
        assert_eq!(row["nll"], alone["nll"], "{row}");
    }
    let said = place.run("table first second third --k 5 --no-fid");
    assert!(said.out.contains("nll in nats with 5 importance samples per record"), "{}", said.out);
    // Nothing of them is an image.
    place.fails("figure first", &["no images to show", "explain"]);
    place.fails("sample first --out s.csv", &["s.csv", ".png", "values as .npz"]);
}

/// Without the network's weights there is no FID; other weights must be requested.
#[test]
fn no_fid_without_its_weights() {
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 3 --out run");
    let run =
        |arguments: &str| said(place.command(arguments).env("SRVAE_CACHE", place.path("cache")).output().unwrap());
    let said = run("table run --k 2 --images 3");
    assert!(said.code == 0 && said.err.contains("no FID") && said.err.contains("fetch fid-weights"), "{}", said.err);
    run("fid run").is_clear_error("fid", &["pt_inception-2015-12-05-6726825d.pth", "fetch fid-weights"]);
    fs::write(place.path("weights.pth"), "no weights").unwrap();
    run("fid run --weights weights.pth").is_clear_error("fid", &["weights.pth", "SHA-256", "--weights-any"]);
    run("fid run --weights weights.pth --weights-any")
        .is_clear_error("fid", &["weights.pth", "not a PyTorch checkpoint"]);
    run("fid run --samples 1").is_clear_error("fid", &["--samples", "at least 2"]);
}

#[test]
fn weights_go_out_and_come_in_again() {
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 20 --out run");
    place.fails("export run --out weights.pth", &["weights.pth", "safetensors"]);
    let told = place.json("export run --out weights.safetensors");
    assert_eq!(told["tensors"], 6);
    let told = place.json("import weights.safetensors toy.pgm --out again");
    assert_eq!((told["tensors"].as_u64(), told["model"].as_str()), (Some(6), Some("toy")));
    assert_eq!(place.json("eval again --k 5 --images 8")["nll"], place.json("eval run --k 5 --images 8")["nll"]);
    place.json("sample again --count 4");
    place.fails("import weights.safetensors toy.pgm", &["--out"]);
    place.fails("import nothing.pth toy.pgm --out x", &["nothing.pth", "cannot be read"]);
    place.fails("import toy.pgm toy.pgm --out x", &["toy.pgm", "not a PyTorch checkpoint"]);
    fs::write(place.path("short.pth"), b"PK\x03\x04 nothing more").unwrap();
    place.fails("import short.pth toy.pgm --out x", &["short.pth", "damaged or cut short"]);
    place.fails(
        "import run/checkpoints/last.safetensors toy.pgm --out x",
        &["6 missing", "p_x.w", "unknown to the model"],
    );
    place.fails("export run --out /proc/x", &["/proc/x", "cannot be written"]);
    place.fails("export nothing --out x", &["nothing", "no such run folder"]);
    assert!(!place.path("x").exists());
}

/// One response to one request, on a separate port. Its length may be given only by its end.
fn serve(body: Vec<u8>, announced: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        BufReader::new(stream.try_clone().unwrap())
            .lines()
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
            .count();
        let length = if announced { format!("Content-Length: {}\r\n", body.len()) } else { String::new() };
        let head = format!("HTTP/1.1 200 OK\r\n{length}Connection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).ok();
    });
    format!("http://{address}/")
}

#[test]
fn what_is_fetched_is_checked_and_a_full_disk_keeps_no_part() {
    let place = Place::new();
    let left = || fs::read_dir(place.path("cache")).map_or(0, Iterator::count);
    place.fails(
        &format!("fetch cifar10 --to cache --from {}", serve(b"not it".to_vec(), true)),
        &["6 bytes", "expected 170052171", "--from"],
    );
    assert_eq!(left(), 0);
    place.fails("fetch svhn", &["svhn", "cifar10, cifar10-python, cifar100, mnist, fashion, fid-weights"]);
    place.fails("fetch imagenet32", &["image-net.org", "--data"]);
    place.fails("fetch cifar10 --to toy.pgm --from http://127.0.0.1:1/", &["toy.pgm", "cannot be created"]);
    fs::create_dir(place.path("cache")).ok();
    fs::write(place.path("cache/cifar-10-binary.tar.gz"), "mine").unwrap();
    place.fails("fetch cifar10 --to cache", &["another file exists here", "expected c4a38c50", "move it away"]);
    fs::remove_file(place.path("cache/cifar-10-binary.tar.gz")).unwrap();
    let said_of =
        |arguments: &str| said(place.command(arguments).env("SRVAE_CACHE", place.path("cache")).output().unwrap());
    said_of("train toy.pgm --data cifar10").is_clear_error("cifar10", &["not fetched yet", "srvae-run fetch cifar10"]);
}

/// No file may grow beyond this number of blocks, like on a full disk, for any user.
#[test]
#[cfg(unix)]
fn a_full_disk_keeps_no_part() {
    let place = Place::new();
    let url = serve(vec![7; 300_000], false);
    let program = env!("CARGO_BIN_EXE_toy");
    let line = format!("ulimit -f 100; exec {program} fetch cifar10 --to cache --from {url}");
    let output = Command::new("bash").args(["-c", &line]).current_dir(place.root()).output().unwrap();
    said(output).is_clear_error("full disk", &["cifar-10-binary.tar.gz.part", "free some space", "--to"]);
    assert_eq!(fs::read_dir(place.path("cache")).unwrap().count(), 0);
}

#[test]
fn data_sets_and_windows_that_make_no_sense() {
    let place = Place::new();
    cifar(&place.path("cifar"), 4);
    fs::write(place.path("a.npz"), "no archive").unwrap();
    place.fails("train toy.pgm --data a.npz", &["a.npz", "cannot be read as an npz file"]);
    place.fails("train toy.pgm --data cifar --crop 8", &["cifar", "--crop is for folders of images"]);
    place.fails("train toy.pgm --data cifar --crop 8x", &["--crop", "WIDTHxHEIGHT+LEFT+TOP"]);
    place.fails("train toy.pgm --crop 8", &["--data"]);
    place.fails("train toy.pgm --data builtin --crop 8", &["--crop is for folders of images"]);
}
