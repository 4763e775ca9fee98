//! A minimal editor for the tests.

#![allow(dead_code)] // Each test file uses a part of it.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// An unknown request. When its answer arrives, everything before it has been answered.
const MARK: &str = "tests/mark";

/// A server, with both ends of its pipes.
pub struct Client {
    server: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    requests: u64,
}

impl Client {
    pub fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_srvae-lsp"));
        let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let input = server.stdin.take();
        let output = BufReader::new(server.stdout.take().unwrap());
        Self { server, input, output, requests: 0 }
    }

    /// A client after initialisation.
    pub fn initialized() -> Self {
        let mut client = Self::start();
        client.request("initialize", json!({ "capabilities": {} }));
        client.notify("initialized", json!({}));
        client.answers();
        client
    }

    pub fn open(&mut self, uri: &str, text: &str) {
        let item = json!({ "uri": uri, "languageId": "pgm", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": item }));
    }

    pub fn request(&mut self, method: &str, params: Value) {
        self.requests += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": self.requests, "method": method, "params": params }));
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    pub fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let input = self.input.as_mut().unwrap();
        write!(input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        input.flush().unwrap();
    }

    /// All messages received so far.
    pub fn answers(&mut self) -> Vec<Value> {
        self.send(&json!({ "jsonrpc": "2.0", "id": MARK, "method": MARK }));
        let mut answers = Vec::new();
        loop {
            let message = self.read();
            if message["id"] == MARK {
                return answers;
            }
            answers.push(message);
        }
    }

    fn read(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the server is gone");
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", number)) => length = number.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut bytes = vec![0; length];
        self.output.read_exact(&mut bytes).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Closes the server's input and waits for its exit.
    pub fn exit_code(mut self) -> i32 {
        self.input.take();
        let mut rest = Vec::new();
        self.output.read_to_end(&mut rest).unwrap();
        self.server.wait().unwrap().code().unwrap_or(-1)
    }
}
