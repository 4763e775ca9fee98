//! Messages for wrong input: one message that says what is wrong, where, and what to do.

use crate::support::{Place, cifar, said};
use std::fs;

#[test]
fn files_that_are_not_there() {
    let place = Place::new();
    place.fails("nothing.pgm", &["nothing.pgm", "no such file", "toy"]);
    place.fails("train nothing.pgm", &["nothing.pgm", "no such file"]);
    place.fails("eval nothing", &["nothing", "no such run folder"]);
    place.fails("train toy.pgm --data nothing", &["nothing", "no such file or folder", "--data takes"]);
    fs::create_dir(place.path("empty")).unwrap();
    place.fails("eval empty", &["empty", "no checkpoint in this folder"]);
    place.fails("train empty --resume", &["empty", "nothing to resume"]);
    place.fails("train nothing --resume", &["--resume", "nothing: no such run folder"]);
    place.fails("train toy.pgm --data empty", &["empty", "nothing in this folder is an image"]);
    place.fails("train toy.pgm --data toy.pgm", &["toy.pgm", "not a data set"]);
}

#[test]
fn arguments_that_make_no_sense() {
    let place = Place::new();
    for (arguments, words) in [
        ("", ["Usage", "srvae-run"]),
        ("train toy.pgm --steps 0", ["--steps", "at least 1"]),
        ("train toy.pgm --steps x", ["--steps", "invalid"]),
        ("train toy.pgm --steps 3 --epochs 2", ["--steps", "--epochs"]),
        ("train toy.pgm --lr=-1", ["--lr", "-1"]),
        ("train toy.pgm --lr nan", ["--lr", "a number is needed"]),
        ("train toy.pgm --batch 0", ["--batch", "at least 1"]),
        ("train toy.pgm --device tpu", ["--device", "possible values"]),
        ("train toy.pgm --split half", ["half", "hoogeboom"]),
        ("bench toy.pgm --job dance", ["dance", "generate"]),
        ("train toy.pgm --colour", ["--colour", "unexpected"]),
    ] {
        let said = place.run(arguments);
        assert_eq!(said.code, 2, "{arguments}: {}", said.err);
        for word in words {
            assert!(said.err.contains(word), "{arguments}: `{word}` is not in\n{}", said.err);
        }
    }
    place.fails("train toy.pgm --device cuda", &["--device cuda", "--device cpu"]);
}

#[test]
fn pictures_that_are_cut_short_or_something_else() {
    let place = Place::new();
    let train = |data: &str| format!("train toy.pgm --steps 2 --data {data}");
    cifar(&place.path("short"), 20);
    let batch = place.path("short/data_batch_2.bin");
    fs::write(&batch, &fs::read(&batch).unwrap()[..50_000]).unwrap();
    place.fails(&train("short"), &["data_batch_2.bin", "50000 bytes", "cut short"]);
    fs::write(&batch, b"").unwrap();
    place.fails(&train("short"), &["data_batch_2.bin", "empty"]);
    fs::write(&batch, vec![77; 3073]).unwrap();
    place.fails(&train("short"), &["data_batch_2.bin", "label 77"]);
    cifar(&place.path("part"), 20);
    fs::remove_file(place.path("part/test_batch.bin")).unwrap();
    place.fails(&train("part"), &["part", "test_batch.bin is missing"]);
    fs::write(place.path("cifar.tar.gz"), b"\x1f\x8bnothing of the sort").unwrap();
    place.fails(&train("cifar.tar.gz"), &["cifar.tar.gz", "damaged or cut short"]);
    fs::create_dir(place.path("pictures")).unwrap();
    fs::write(place.path("pictures/a.png"), b"no picture").unwrap();
    fs::write(place.path("pictures/b.png"), b"no picture").unwrap();
    place.fails(&train("pictures"), &[".png", "not an image that can be read"]);
}

#[test]
fn checkpoints_that_do_not_belong() {
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 3 --out run");
    fs::write(place.path("other.pgm"), crate::support::toy::SOURCE.replace("model toy", "model other")).unwrap();
    place.fails("train other.pgm --data builtin --out run --resume", &["other"]);
    place.fails("eval toy.pgm", &["toy.pgm", "damaged, cut short, or not a safetensors file"]);
    let last = place.path("run/checkpoints/last.safetensors");
    let whole = fs::read(&last).unwrap();
    fs::write(&last, &whole[..whole.len() - 8]).unwrap();
    place.fails("eval run --checkpoint last", &["last.safetensors", "damaged, cut short"]);
    place.fails("train run --resume --seed 5", &["last.safetensors"]);
    fs::write(&last, &whole).unwrap();
    place.fails("train run --resume --seed 5", &["--seed", "a resumed run keeps its seed, 1"]);
    place.fails("train run --resume --set width=3", &["a run keeps its parameters", "--set"]);
    place.fails("train toy.pgm --resume", &["--resume", "which run"]);
    place.fails("upscale run", &["conditional_generation", "generation, reconstruction"]);
    place.fails("upscale run --input toy.pgm --from y", &["conditional_generation_y", "generation, reconstruction"]);
    place.fails("interpolate run --latent w", &["no latent `w`", "infers z, x"]);
    place.fails("sample run --against nowhere", &["nowhere", "no such run folder"]);
    let larger = crate::support::toy::SOURCE.replace("z: real[1]", "z: real[2]");
    fs::write(place.path("larger.pgm"), larger).unwrap();
    let words = ["latent z: `latent z: real[1]` there, `latent z: real[2]` here", "train again into another --out"];
    place.fails("train larger.pgm --out run --resume", &words);
    place.fails("interpolate run --input toy.pgm", &["toy.pgm", "not an image"]);
}

/// A run folder is of one model: that of its file and of its checkpoint.
#[test]
fn a_folder_with_a_checkpoint_or_a_file_of_another_model() {
    let place = Place::new();
    let larger = crate::support::toy::SOURCE.replace("z: real[1]", "z: real[2]");
    fs::write(place.path("larger.pgm"), larger).unwrap();
    place.json("train toy.pgm --data builtin --steps 3 --out run");
    place.json("train larger.pgm --data builtin --steps 3 --out other");
    let (last, file) = (place.path("run/checkpoints/last.safetensors"), place.path("run/model.pgm"));
    let (own, text) = (fs::read(&last).unwrap(), fs::read_to_string(&file).unwrap());
    let differs =
        ["last.safetensors: this checkpoint is not of the model in run/model.pgm", "latent z: `latent z: real["];
    fs::copy(place.path("other/checkpoints/last.safetensors"), &last).unwrap();
    let commands = ["eval run --checkpoint last --k 1", "sample run --checkpoint last", "train run --resume --steps 4"];
    for command in commands {
        place.fails(command, &differs);
    }
    fs::write(&last, own).unwrap();
    fs::write(&file, text.replace("z: real[1]", "z: real[2]")).unwrap();
    for command in commands {
        place.fails(command, &differs);
    }
    // Comments and spacing are no difference.
    fs::write(&file, format!("// mine\n\n{text}")).unwrap();
    place.json("eval run --checkpoint last --k 1 --images 2");
}

#[test]
fn folders_that_cannot_be_written_to() {
    let place = Place::new();
    fs::write(place.path("file"), "here already").unwrap();
    place.fails("train toy.pgm --data builtin --steps 2 --out file", &["file", "--out takes a folder"]);
    place.fails("train toy.pgm --data builtin --steps 2 --out file/run", &["file/run", "cannot be created"]);
    // The only file system that even root cannot write to.
    place.fails("train toy.pgm --data builtin --steps 2 --out /proc/run", &["/proc/run", "cannot be created"]);
    place.json("train toy.pgm --data builtin --steps 2 --out run");
    place.fails("sample run --out /proc/a.png", &["/proc/a.png", "cannot be written"]);
    let left: Vec<_> = fs::read_dir(place.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

/// A file from elsewhere cannot send control sequences to the terminal.
#[test]
fn text_of_others_is_printed_without_its_escapes() {
    let place = Place::new();
    let escape = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}1m\u{202e}";
    let source = crate::support::toy::SOURCE;
    fs::write(place.path("documented.pgm"), format!("/// {escape} here\n{source}")).unwrap();
    fs::write(place.path("wrong.pgm"), format!("{source}p(x) = {escape}nothing // {escape}\n")).unwrap();
    let name = format!("{escape}.pgm");
    fs::write(place.path(&name), source).unwrap();
    for file in ["documented.pgm", "wrong.pgm", &name, "\u{1b}[31mmissing.pgm"] {
        for command in ["explain", "check", "eval"] {
            let said = crate::support::said(place.command(command).arg(file).output().unwrap());
            let steers =
                |text: &str| text.contains(|c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}');
            assert!(!steers(&said.out) && !steers(&said.err), "{command} {file:?}: {:?}\n{:?}", said.out, said.err);
        }
    }
    let said = place.run("explain documented.pgm --json");
    let said: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said["docs"][0], format!("{escape} here"));
}

#[cfg(unix)]
#[test]
fn pipes_devices_and_folders_are_refused_without_waiting() {
    let place = Place::new();
    assert!(std::process::Command::new("mkfifo").arg(place.path("pipe")).status().unwrap().success());
    for file in ["pipe", "/dev/zero", "/dev/full"] {
        for command in ["check", "eval", "train toy.pgm --data", "import", "sample"] {
            let rest = if command == "import" { "toy.pgm --out imported" } else { "" };
            place.fails(&format!("{command} {file} {rest}"), &[file]);
        }
    }
    fs::create_dir(place.path("folder.npz")).unwrap();
    place.fails("train toy.pgm --data folder.npz", &["folder.npz"]);
}

#[cfg(unix)]
#[test]
fn fmt_keeps_links_and_modes() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let source = crate::support::toy::SOURCE.replace("latent z", "latent    z");
    fs::write(place.path("real.pgm"), source).unwrap();
    fs::set_permissions(place.path("real.pgm"), fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("real.pgm", place.path("link.pgm")).unwrap();
    assert_eq!(place.run("fmt link.pgm").out, "link.pgm: formatted\n");
    assert!(fs::symlink_metadata(place.path("link.pgm")).unwrap().is_symlink());
    assert_eq!(fs::metadata(place.path("real.pgm")).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(place.run("fmt --check real.pgm").code, 0);
}

/// A limit on file sizes is an error like a full disk, and leaves no partial file.
#[cfg(unix)]
#[test]
fn a_size_limit_of_the_shell_is_one_error() {
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 2 --out run");
    let script = format!("ulimit -f 1; exec {} sample run --count 64 --out run/large.png", env!("CARGO_BIN_EXE_toy"));
    let output = std::process::Command::new("bash").args(["-c", &script]).current_dir(place.root()).output().unwrap();
    crate::support::said(output).is_clear_error("sample", &["run/large.png", "cannot be written"]);
    let left = fs::read_dir(place.path("run")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with(".partial-")));
}

/// A checkpoint whose header contradicts its model's text is rejected.
#[test]
fn headers_that_contradict_their_model() {
    use srvae::train::Checkpoint;
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 2 --out run");
    let last = place.path("run/checkpoints/last.safetensors");
    let tampered = |change: &dyn Fn(&mut srvae::train::Header), words: &[&str]| {
        let mut checkpoint = Checkpoint::load(&last, &srvae::Device::Cpu).unwrap();
        change(&mut checkpoint.header);
        checkpoint.save(&place.path("tampered.safetensors")).unwrap();
        place.fails("eval tampered.safetensors", words);
        place.fails("sample tampered.safetensors --out a.png", words);
    };
    tampered(
        &|header| header.variables[0].shape = vec![3, 4, 5],
        &["tampered.safetensors", "variable x of shape [3, 4, 5] is x of shape [3, 4, 4] in its text"],
    );
    tampered(&|header| drop(header.variables.pop()), &["it lists 1 of the 2 variables"]);
    tampered(&|header| header.model = "other".into(), &["named other there, and toy in its text"]);
    tampered(&|header| header.source = "model toy".into(), &["error[E"]);
    let huge = "|> linear(out: 1048576) |> linear(out: 1048576) |> linear";
    tampered(
        &|header| header.source = header.source.replace("|> flatten |> linear", &format!("|> flatten {huge}")),
        &["parameters, and there are 147"],
    );
    let with =
        |header: &mut srvae::train::Header| header.settings = vec![("width".into(), srvae::Setting::Int(1 << 40))];
    tampered(&with, &["width"]);
}

/// Backtraces are for panics: the message of an error does not depend on whether they are enabled.
#[test]
fn messages_are_the_same_with_backtraces() {
    let place = Place::new();
    place.json("train toy.pgm --data builtin --steps 2 --out run");
    for (arguments, words) in [
        ("import run/checkpoints/last.safetensors toy.pgm --out x", "6 missing"),
        ("train toy.pgm --device cuda", "--device cuda"),
        ("eval nothing", "no such run folder"),
    ] {
        let plain = place.run(arguments);
        plain.is_clear_error(arguments, &[words]);
        let traced = said(place.command(arguments).env("RUST_BACKTRACE", "1").output().unwrap());
        assert_eq!(traced.err, plain.err, "{arguments}");
    }
}
