//! What is asked of the server while other requests wait.

use super::*;

#[test]
fn a_cancelled_request_is_answered_as_cancelled() {
    let (editor, connection) = Connection::memory();
    let request = |id: i32, method: &str, params: Value| {
        editor.sender.send(Request { id: id.into(), method: method.to_owned(), params }.into()).unwrap();
    };
    let notify = |method: &str, params: Value| {
        editor.sender.send(Notification { method: method.to_owned(), params }.into()).unwrap();
    };
    let file = json!({ "uri": "file:///a.pgm", "languageId": "pgm", "version": 1, "text": "model a\n" });
    request(1, "initialize", json!({}));
    notify("textDocument/didOpen", json!({ "textDocument": file }));
    for id in [2, 3] {
        request(id, "textDocument/documentSymbol", json!({ "textDocument": { "uri": "file:///a.pgm" } }));
    }
    notify("$/cancelRequest", json!({ "id": 2 }));
    // One cancels a request that was answered, the other a request that never existed.
    notify("$/cancelRequest", json!({ "id": 1 }));
    notify("$/cancelRequest", json!({ "id": "never" }));
    request(4, "shutdown", Value::Null);
    notify("exit", Value::Null);
    assert!(serve(&connection));
    let codes = editor.receiver.try_iter().filter_map(|message| match message {
        Message::Response(response) => Some((response.id, response.response_result.err().map(|error| error.code))),
        _ => None,
    });
    let wanted = [(1, None), (2, Some(-32800)), (3, None), (4, None)];
    assert_eq!(codes.collect::<Vec<_>>(), wanted.map(|(id, code)| (RequestId::from(id), code)));
}

#[test]
fn changes_that_come_together_are_compiled_once() {
    let (editor, connection) = Connection::memory();
    let notify = |method: &str, params: Value| {
        editor.sender.send(Notification { method: method.to_owned(), params }.into()).unwrap();
    };
    let id = RequestId::from(1);
    editor.sender.send(Request { id, method: "initialize".to_owned(), params: json!({}) }.into()).unwrap();
    let file = json!({ "uri": "file:///a.pgm", "languageId": "pgm", "version": 1, "text": "model a\n" });
    notify("textDocument/didOpen", json!({ "textDocument": file }));
    for version in 2..5 {
        let file = json!({ "uri": "file:///a.pgm", "version": version });
        notify("textDocument/didChange", json!({ "textDocument": file, "contentChanges": [{ "text": "model b\n" }] }));
    }
    notify("exit", Value::Null);
    assert!(!serve(&connection));
    let versions = editor.receiver.try_iter().filter_map(|message| match message {
        Message::Notification(published) => Some(published.params["version"].clone()),
        _ => None,
    });
    assert_eq!(versions.collect::<Vec<_>>(), [json!(4)]);
}
