//! Recorded sessions: what an editor sends the server over standard input, and what comes back.
//!
//! A file of `sessions/` is read line by line. `open URI` opens the text of the `|` lines after it; `hover`, `complete`, `define`,
//! `refer`, `prepare` and `rename` take a URI and LINE:COLUMN as the protocol counts them; `change` takes a URI and a range
//! and replaces it by the JSON string after it; `format`, `symbols`, `close` take a URI; `request METHOD PARAMS` and
//! `notify METHOD PARAMS` send anything. A `<` line is a message that comes back.
//! `UPDATE_EXPECT=1 cargo test -p srvae-lsp --test sessions` rewrites those.

mod support;

use serde_json::{Value, json};
use srvae_lsp::catalogue::{Use, entries};
use std::fmt::Write as _;
use std::path::Path;
use support::Client;

#[test]
fn sessions_go_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut differences = String::new();
    for path in &paths {
        let recorded = std::fs::read_to_string(path).unwrap();
        let played = play(&recorded);
        if played == recorded {
            continue;
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(path, &played).unwrap();
        } else {
            let line = recorded.lines().zip(played.lines()).find(|(a, b)| a != b);
            writeln!(differences, "{}: {line:#?}", path.display()).unwrap();
        }
    }
    assert!(differences.is_empty(), "recorded and now (UPDATE_EXPECT=1 accepts it):\n{differences}");
    assert!(paths.len() >= 8, "{} sessions", paths.len());
}

/// The session with its current answers.
fn play(recorded: &str) -> String {
    let mut client = Client::start();
    let mut played = String::new();
    let mut lines = recorded.lines().filter(|line| !line.starts_with('<')).peekable();
    while let Some(line) = lines.next() {
        writeln!(played, "{line}").unwrap();
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        if command.is_empty() || command.starts_with('#') {
            continue;
        }
        let mut text = String::new();
        while let Some(part) = lines.next_if(|next| next.starts_with('|')) {
            writeln!(played, "{part}").unwrap();
            text += part.strip_prefix("| ").unwrap_or(&part[1..]);
            text.push('\n');
        }
        if command == "exit" {
            client.notify("exit", json!(null));
            writeln!(played, "< exit code {}", client.exit_code()).unwrap();
            return played;
        }
        send(&mut client, command, rest, text);
        for message in client.answers() {
            writeln!(played, "< {}", short(message)).unwrap();
        }
    }
    panic!("a session ends with `exit`");
}

/// A message without the parts that depend only on the catalogue, so that a new entry or another text does not change
/// the recordings: `<conv>` for an entry's text, `<blocks>` for a list of all blocks.
fn short(mut message: Value) -> Value {
    if let Some(text) = message.pointer_mut("/result/contents/value") {
        for entry in entries() {
            *text = json!(text.as_str().unwrap().replace(&entry.markdown(), &format!("<{}>", entry.name)));
        }
    }
    if let Some(items) = message["result"].as_array().filter(|items| items.iter().any(|item| !item["label"].is_null()))
    {
        let label = |item: &Value| item["insertText"].as_str().or(item["label"].as_str()).unwrap().to_owned();
        let mut labels: Vec<String> = items.iter().map(label).collect();
        let of = |used_as| entries().filter(move |entry| entry.used_as == used_as).map(|entry| entry.name).collect();
        let groups: [(&str, Vec<&str>); 6] = [
            ("<statements>", srvae_dsl::parse::statements().map(|(word, _)| word).collect()),
            ("<spaces>", of(Use::Space)),
            ("<distributions>", of(Use::Distribution)),
            ("<flows>", of(Use::Flow)),
            ("<functions>", of(Use::Function)),
            ("<blocks>", of(Use::Block)),
        ];
        for (name, group) in groups {
            if group.iter().all(|word| labels.iter().any(|label| label == word)) {
                let first = labels.iter().position(|label| label == group[0]).unwrap();
                labels[first] = name.to_owned();
                labels.retain(|label| !group.contains(&label.as_str()));
            }
        }
        message["result"] = json!(labels);
    }
    message
}

fn send(client: &mut Client, command: &str, rest: &str, text: String) {
    let mut words = rest.splitn(3, ' ');
    let (first, second, third) = (words.next().unwrap_or(""), words.next().unwrap_or(""), words.next().unwrap_or(""));
    let file = json!({ "uri": first });
    let at = || json!({ "textDocument": file, "position": position(second) });
    let json_of = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|reason| panic!("{text}: {reason}"));
    match command {
        "open" => {
            let item = json!({ "uri": first, "languageId": "pgm", "version": 1, "text": text });
            client.notify("textDocument/didOpen", json!({ "textDocument": item }));
        }
        "change" => {
            let (from, to) = second.split_once('-').unwrap();
            let range = json!({ "start": position(from), "end": position(to) });
            let changes = json!([{ "range": range, "text": json_of(third) }]);
            let file = json!({ "uri": first, "version": 2 });
            client.notify("textDocument/didChange", json!({ "textDocument": file, "contentChanges": changes }));
        }
        "close" => client.notify("textDocument/didClose", json!({ "textDocument": file })),
        "hover" => client.request("textDocument/hover", at()),
        "complete" => client.request("textDocument/completion", at()),
        "define" => client.request("textDocument/definition", at()),
        "refer" => {
            let mut params = at();
            params["context"] = json!({ "includeDeclaration": third != "uses" });
            client.request("textDocument/references", params);
        }
        "prepare" => client.request("textDocument/prepareRename", at()),
        "rename" => {
            let mut params = at();
            params["newName"] = json!(third);
            client.request("textDocument/rename", params);
        }
        "format" => {
            let options = json!({ "tabSize": 4, "insertSpaces": true });
            client.request("textDocument/formatting", json!({ "textDocument": file, "options": options }));
        }
        "symbols" => client.request("textDocument/documentSymbol", json!({ "textDocument": file })),
        "request" => client.request(first, json_of(rest.split_once(' ').map_or("null", |(_, params)| params))),
        "notify" => client.notify(first, json_of(rest.split_once(' ').map_or("null", |(_, params)| params))),
        _ => panic!("`{command}` is no command of a session"),
    }
}

/// `LINE:COLUMN`.
fn position(text: &str) -> Value {
    let (line, column) = text.split_once(':').unwrap_or_else(|| panic!("`{text}` is no LINE:COLUMN"));
    json!({ "line": line.parse::<u32>().unwrap(), "character": column.parse::<u32>().unwrap() })
}
