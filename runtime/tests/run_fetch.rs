//! Downloads from a server inside the test: interrupted, resumed, rejected.

use sha2::{Digest, Sha256};
use srvae::fetch::{self, Item, Pace, Remote, Request, download};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The server's behaviour for one connection.
#[derive(Clone, Copy)]
enum Answer {
    /// The whole file, or the requested range.
    Serve,
    /// The same, but the connection ends after this number of bytes.
    Cut(usize),
    /// The whole file, whatever range was requested.
    Ignore,
    Status(u16),
    /// Endless bytes, without a stated length.
    Endless,
    /// One byte every few milliseconds, as long as the client listens.
    Drip,
}

/// Serves `content` to one connection after another. Returns the address and the requests.
fn serve(content: Vec<u8>, answers: Vec<Answer>) -> (String, Arc<Mutex<Vec<Option<usize>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/file.bin", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let ranges = asked.clone();
    std::thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            ranges.lock().unwrap().push(reply(stream, &content, answer));
        }
    });
    (address, asked)
}

/// Answers a request. Returns the beginning of the requested range.
fn reply(mut stream: TcpStream, content: &[u8], answer: Answer) -> Option<usize> {
    let lines =
        BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let range = lines
        .collect::<Vec<_>>()
        .into_iter()
        .find_map(|line| line.to_lowercase().strip_prefix("range: bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    if matches!(answer, Answer::Endless | Answer::Drip) {
        let size = if matches!(answer, Answer::Drip) { 1 } else { 1 << 14 };
        stream.write_all(b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n").unwrap();
        while stream.write_all(&vec![7; size]).is_ok() {
            std::thread::sleep(Duration::from_millis(if size == 1 { 5 } else { 0 }));
        }
        return range;
    }
    let (status, from) = match (answer, range) {
        (Answer::Status(status), _) => (status, content.len()),
        (Answer::Serve | Answer::Cut(_), Some(from)) if from >= content.len() => (416, content.len()),
        (Answer::Serve | Answer::Cut(_), Some(from)) => (206, from),
        _ => (200, 0),
    };
    let body = &content[from..];
    let sent = if let Answer::Cut(count) = answer { &body[..count.min(body.len())] } else { body };
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent)).ok();
    range
}

fn content() -> Vec<u8> {
    (0..200_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn get(url: &str, target: &Path) -> anyhow::Result<bool> {
    get_at(Pace::default(), url, target)
}

fn get_at(pace: Pace, url: &str, target: &Path) -> anyhow::Result<bool> {
    let bytes = content().len() as u64;
    download(&Request { url, sha256: &sha256(&content()), bytes, target, pace, progress: &|_, _| () })
}

fn part(target: &Path) -> PathBuf {
    target.with_extension("bin.part")
}

#[test]
fn a_file_comes_whole_once() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("new/file.bin");
    let (url, _) = serve(content(), vec![Answer::Serve]);
    assert!(get(&url, &target).unwrap());
    assert!(std::fs::read(&target).unwrap() == content() && !part(&target).exists());
    // The server has stopped, and no request is made.
    assert!(!get(&url, &target).unwrap());
}

#[test]
fn a_transfer_that_is_cut_off_goes_on_where_it_ended() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("file.bin");
    let (url, asked) =
        serve(content(), vec![Answer::Cut(70_000), Answer::Cut(1000), Answer::Status(503), Answer::Serve]);
    assert!(get(&url, &target).unwrap());
    assert!(std::fs::read(&target).unwrap() == content());
    assert_eq!(*asked.lock().unwrap(), [None, Some(70_000), Some(71_000), Some(71_000)]);
}

#[test]
fn a_server_that_is_gone_leaves_what_came_for_the_next_call() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("file.bin");
    let silent = vec![Answer::Cut(50_000), Answer::Cut(0), Answer::Cut(0), Answer::Cut(0)];
    let (url, _) = serve(content(), silent);
    let error = format!("{:#}", get(&url, &target).unwrap_err());
    assert!(error.contains("50000 bytes") && error.contains("the next fetch continues from there"), "{error}");
    assert!(!target.exists() && std::fs::metadata(part(&target)).unwrap().len() == 50_000);
    let (url, asked) = serve(content(), vec![Answer::Serve]);
    assert!(get(&url, &target).unwrap());
    assert!(std::fs::read(&target).unwrap() == content());
    assert_eq!(*asked.lock().unwrap(), [Some(50_000)]);
}

#[test]
fn a_server_without_ranges_begins_anew_and_a_whole_part_is_enough() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("file.bin");
    std::fs::write(part(&target), &content()[..1234]).unwrap();
    let (url, _) = serve(content(), vec![Answer::Ignore]);
    assert!(get(&url, &target).unwrap());
    assert!(std::fs::read(&target).unwrap() == content());
    std::fs::rename(&target, part(&target)).unwrap();
    let (url, asked) = serve(content(), vec![Answer::Serve]);
    assert!(get(&url, &target).unwrap());
    assert_eq!(*asked.lock().unwrap(), [Some(content().len())]);
}

#[test]
fn the_beginning_of_another_file_is_thrown_away() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("file.bin");
    std::fs::write(part(&target), b"something else").unwrap();
    let (url, asked) = serve(content(), vec![Answer::Serve, Answer::Serve]);
    assert!(get(&url, &target).unwrap());
    assert!(std::fs::read(&target).unwrap() == content());
    assert_eq!(*asked.lock().unwrap(), [Some(14), None]);
}

#[test]
fn a_wrong_checksum_is_refused_and_nothing_is_kept() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("file.bin");
    let other: Vec<u8> = content().into_iter().rev().collect();
    let (url, _) = serve(other.clone(), vec![Answer::Serve]);
    let error = format!("{:#}", get(&url, &target).unwrap_err());
    for word in ["200000 bytes", &sha256(&other), &sha256(&content()), "deleted", "--from"] {
        assert!(error.contains(word), "{word}: {error}");
    }
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    std::fs::write(&target, b"mine").unwrap();
    let error = format!("{:#}", get(&url, &target).unwrap_err());
    assert!(error.contains("another file exists here") && std::fs::read(&target).unwrap() == b"mine", "{error}");
}

#[test]
fn a_server_is_not_believed_further_than_the_length_of_the_file() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("file.bin");
    let (url, _) = serve(b"<html>sign in</html>".to_vec(), vec![Answer::Serve]);
    let error = format!("{:#}", get(&url, &target).unwrap_err());
    assert!(error.contains("a file of 20 bytes, expected 200000"), "{error}");
    let (url, _) = serve(vec![1; 300_000], vec![Answer::Serve]);
    let error = format!("{:#}", get(&url, &target).unwrap_err());
    assert!(error.contains("a file of 300000 bytes, expected 200000"), "{error}");
    let (url, _) = serve(Vec::new(), vec![Answer::Endless]);
    let error = format!("{:#}", get(&url, &target).unwrap_err());
    assert!(error.contains("more than the 200000 bytes"), "{error}");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn a_server_that_sends_a_byte_now_and_then_is_given_up() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("file.bin");
    let (url, _) = serve(Vec::new(), vec![Answer::Drip; 8]);
    let pace = Pace { window: Duration::from_millis(200), ..Pace::default() };
    let error = format!("{:#}", get_at(pace, &url, &target).unwrap_err());
    // Whatever the last connection brought, the cause is stated.
    assert!(error.contains("bytes were received in") && error.contains("next fetch continues"), "{error}");
    assert!(!target.exists());
}

#[cfg(unix)]
#[test]
fn what_comes_is_written_through_no_link_and_into_nobody_elses_file() {
    let place = tempfile::tempdir().unwrap();
    let (target, victim) = (place.path().join("file.bin"), place.path().join("victim"));
    std::fs::write(&victim, b"precious").unwrap();
    for link in [
        |from: &Path, to: &Path| std::os::unix::fs::symlink(from, to),
        |from: &Path, to: &Path| std::fs::hard_link(from, to),
    ] {
        link(&victim, &part(&target)).unwrap();
        let (url, _) = serve(content(), vec![Answer::Serve]);
        let error = format!("{:#}", get(&url, &target).unwrap_err());
        assert!(error.contains("file.bin.part") && error.contains("remove it"), "{error}");
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
        assert!(!target.exists());
        std::fs::remove_file(part(&target)).unwrap();
    }
}

#[test]
fn addresses_that_lead_nowhere() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("file.bin");
    let (url, _) = serve(content(), vec![Answer::Status(404)]);
    assert!(format!("{:#}", get(&url, &target).unwrap_err()).contains("the server answers 404"));
    assert!(format!("{:#}", get("nonsense", &target).unwrap_err()).contains("nonsense"));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = format!("{:#}", get(&format!("http://{closed}/x"), &target).unwrap_err());
    assert!(error.contains("0 bytes were received") && error.contains("refused"), "{error}");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    assert!(format!("{:#}", fetch::find("imagenet32").unwrap_err()).contains("sign in"));
    let known = "cifar10, cifar10-python, cifar100, mnist, fashion, fid-weights";
    assert!(format!("{:#}", fetch::find("svhn").unwrap_err()).contains(known));
}

/// The files of each name are stored where `--data` looks for them, and no two names have the same place.
#[test]
fn every_item_has_checksums_and_a_place_of_its_own() {
    let cache = Path::new("/cache");
    let mut places = std::collections::BTreeSet::new();
    for item in &fetch::ITEMS {
        assert!(!item.files.is_empty() && item.from.ends_with('/') && item.bytes() > 1_000_000, "{}", item.name);
        for file in item.files {
            let is_hex = file.sha256.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
            assert!(file.sha256.len() == 64 && is_hex, "{}", file.name);
            let target = item.target(cache, file);
            assert!(target.starts_with(item.place(cache)) && places.insert(target), "{}", file.name);
        }
        assert!(fetch::find(item.name).is_ok_and(|found| found.name == item.name));
    }
    let names: Vec<&str> = fetch::ITEMS.iter().filter(|item| item.is_data).map(|item| item.name).collect();
    assert_eq!(names, ["cifar10", "cifar100", "mnist", "fashion"]);
}

/// Files that belong together are downloaded one by one, each with its own checksum; completed files are kept if a
/// later one fails.
#[test]
fn several_files_come_into_one_folder() {
    const BYTES: u64 = 200_000;
    let place = tempfile::tempdir().unwrap();
    let sum: &'static str = sha256(&content()).leak();
    let wrong: &'static str = sha256(b"another").leak();
    let file = |name, sha256| Remote { name, sha256, bytes: BYTES };
    let item = |files: Vec<Remote>| Item {
        name: "some",
        about: "",
        folder: Some("some"),
        from: "http://elsewhere.invalid/",
        files: files.leak(),
        is_data: true,
    };
    let fetch = |item: &Item, from: &str| -> anyhow::Result<Vec<bool>> {
        item.files
            .iter()
            .map(|file| {
                let (url, target) = (item.url(Some(from), file), item.target(place.path(), file));
                let Remote { sha256, bytes, .. } = *file;
                download(&Request {
                    url: &url,
                    sha256,
                    bytes,
                    target: &target,
                    pace: Pace::default(),
                    progress: &|_, _| (),
                })
            })
            .collect()
    };
    let folder = |address: &str| address.trim_end_matches("file.bin").to_owned();
    let broken = item(vec![file("a.gz", sum), file("b.gz", wrong), file("c.gz", sum)]);
    let (address, asked) = serve(content(), vec![Answer::Cut(9), Answer::Serve, Answer::Serve]);
    let error = format!("{:#}", fetch(&broken, &folder(&address)).unwrap_err());
    assert!(error.contains("b.gz") && error.contains("deleted"), "{error}");
    // The first was downloaded in two parts; the third was not requested.
    assert_eq!(*asked.lock().unwrap(), [None, Some(9), None]);
    let names: Vec<_> =
        std::fs::read_dir(place.path().join("some")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["a.gz"]);
    let right = item(vec![file("a.gz", sum), file("b.gz", sum), file("c.gz", sum)]);
    let (address, _) = serve(content(), vec![Answer::Serve, Answer::Serve]);
    assert_eq!(fetch(&right, &folder(&address)).unwrap(), [false, true, true]);
    let only = item(vec![file("a.gz", sum)]);
    assert_eq!(only.url(Some("http://b/c.gz"), &only.files[0]), "http://b/c.gz");
    assert_eq!(right.url(None, &right.files[1]), "http://elsewhere.invalid/b.gz");
    assert_eq!(right.url(Some("http://b/c"), &right.files[1]), "http://b/c/b.gz");
}
