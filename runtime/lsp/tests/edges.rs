//! Cases without a recording: a large document, and an editor that closes the connection without a message.

mod support;

use serde_json::json;
use support::Client;

/// A file of five megabytes that is valid except for its last statement.
fn large() -> String {
    let head = "model large\nobserved x: real[4]\nlatent z: real[2]\np(z) = standard_normal\n\
                p(x | z) = normal from z |> linear\nq(z | x) = normal from x |> linear\n";
    let comment = "// A line of a comment that goes on and on, with an é in it.\n";
    head.to_owned() + &comment.repeat((5 << 20) / comment.len()) + "bound KL_w = monte_carlo\n"
}

#[test]
fn five_megabytes_are_a_document_like_another() {
    let mut client = Client::initialized();
    let text = large();
    client.open("file:///large.pgm", &text);
    let opened = client.answers();
    let last = text.lines().count() - 1;
    assert_eq!(opened[0]["params"]["diagnostics"][0]["range"]["start"]["line"], last, "{opened:?}");
    let place = |line: usize, character: usize| json!({ "textDocument": { "uri": "file:///large.pgm" }, "position": { "line": line, "character": character } });
    client.request("textDocument/hover", place(last, 10));
    client.request("textDocument/completion", place(last, 6));
    client.request("textDocument/definition", place(4, 6));
    let range = json!({ "start": { "line": last, "character": 9 }, "end": { "line": last, "character": 10 } });
    let file = json!({ "uri": "file:///large.pgm", "version": 2 });
    let change = json!({ "textDocument": file, "contentChanges": [{ "range": range, "text": "z" }] });
    client.notify("textDocument/didChange", change);
    let answers = client.answers();
    assert!(answers[0]["result"].is_null(), "{answers:?}");
    assert_eq!(answers[1]["result"][0]["label"], "KL_z");
    assert_eq!(answers[2]["result"]["range"]["start"]["line"], 2);
    assert_eq!(answers[3]["params"]["diagnostics"], json!([]));
    client.request("shutdown", json!(null));
    client.answers();
    client.notify("exit", json!(null));
    assert_eq!(client.exit_code(), 0);
}

#[test]
fn an_editor_that_is_gone_ends_the_session() {
    let client = Client::initialized();
    assert_eq!(client.exit_code(), 1);
}
