//! A session: messages are answered in order, one at a time.
//!
//! Diagnostics are published after a change, but not if another change of the file is already waiting. A request that
//! is cancelled while it waits is answered as cancelled.

#[cfg(test)]
mod tests;

use crate::document::Document;
use crate::{complete, diagnostics, hover, rename, symbols};
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::{
    CompletionOptions, CompletionParams, DidChangeTextDocumentParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, DocumentFormattingParams, DocumentSymbolParams, GotoDefinitionParams,
    HoverProviderCapability, Location, OneOf, PublishDiagnosticsParams, ReferenceParams, RenameOptions, RenameParams,
    ServerCapabilities, TextDocumentPositionParams, TextDocumentSyncCapability, TextDocumentSyncKind, TextEdit, Uri,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Serves until the session ends. Returns whether it ended in the protocol's order, `shutdown` before `exit`.
pub fn serve(connection: &Connection) -> bool {
    Server { connection, waiting: VecDeque::new(), documents: BTreeMap::new(), stage: Stage::Start, changed: None }
        .run()
}

/// The state of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Before `initialize`.
    Start,
    Open,
    /// After `shutdown`.
    Closing,
}

struct Server<'c> {
    connection: &'c Connection,
    /// Messages that have been received but not answered.
    waiting: VecDeque<Message>,
    /// Open files by address.
    documents: BTreeMap<String, Document>,
    stage: Stage,
    /// The file whose diagnostics must be published.
    changed: Option<String>,
}

/// An answer, or an error code with its reason.
type Answer = Result<Value, (ErrorCode, String)>;

impl Server<'_> {
    fn run(mut self) -> bool {
        loop {
            self.waiting.extend(self.connection.receiver.try_iter());
            let Some(message) = self.waiting.pop_front() else {
                self.publish_due(None);
                match self.connection.receiver.recv() {
                    Ok(message) => self.waiting.push_back(message),
                    // The editor has closed the connection.
                    Err(_) => return false,
                }
                continue;
            };
            self.publish_due(changed_by(&message));
            match message {
                Message::Request(request) => self.request(request),
                Message::Notification(notification) if notification.method == "exit" => {
                    return self.stage == Stage::Closing;
                }
                Message::Notification(notification) => self.notification(notification),
                // The server sends no requests to the editor.
                Message::Response(_) => {}
            }
        }
    }

    fn send(&self, message: Message) {
        // If the editor has gone, the next read reports it.
        self.connection.sender.send(message).ok();
    }

    fn request(&mut self, request: Request) {
        let Request { id, method, params } = request;
        self.waiting.extend(self.connection.receiver.try_iter());
        let answer = match self.stage {
            Stage::Start if method == "initialize" => {
                self.stage = Stage::Open;
                Ok(initialized())
            }
            Stage::Start => Err((ErrorCode::ServerNotInitialized, format!("`{method}` came before `initialize`"))),
            Stage::Open if method == "shutdown" => {
                self.stage = Stage::Closing;
                Ok(Value::Null)
            }
            Stage::Open if self.is_cancelled(&id) => {
                Err((ErrorCode::RequestCanceled, format!("`{method}` was cancelled")))
            }
            Stage::Open => self.sheltered(&method, params),
            Stage::Closing => Err((ErrorCode::InvalidRequest, format!("`{method}` came after `shutdown`"))),
        };
        let response = match answer {
            Ok(value) => Response::new_ok(id, value),
            Err((code, reason)) => Response::new_err(id, code as i32, reason),
        };
        self.send(response.into());
    }

    /// Whether a cancellation of the request is waiting.
    fn is_cancelled(&self, id: &RequestId) -> bool {
        let cancels = |message: &Message| match message {
            Message::Notification(notification) if notification.method == "$/cancelRequest" => {
                serde_json::from_value::<RequestId>(notification.params["id"].clone()).is_ok_and(|other| other == *id)
            }
            _ => false,
        };
        self.waiting.iter().any(cancels)
    }

    /// An answer, also after a panic of the server: only this request fails, and the session continues.
    fn sheltered(&self, method: &str, params: Value) -> Answer {
        let answer = catch_unwind(AssertUnwindSafe(|| self.answer(method, params)));
        answer.unwrap_or_else(|_| {
            let reason = format!("`{method}` failed inside the server; this is a bug in srvae, please report it");
            Err((ErrorCode::InternalError, reason))
        })
    }

    fn answer(&self, method: &str, params: Value) -> Answer {
        match method {
            "textDocument/hover" => self.at(params, |document, offset| json!(hover::hover(document, offset))),
            "textDocument/completion" => {
                let params: CompletionParams = read(params)?;
                let (document, offset) = self.place(&params.text_document_position)?;
                Ok(json!(complete::complete(document, offset)))
            }
            "textDocument/definition" => {
                let params: GotoDefinitionParams = read(params)?;
                let (document, offset) = self.place(&params.text_document_position_params)?;
                Ok(json!(locations(document, offset, Wanted::Definition).pop()))
            }
            "textDocument/references" => {
                let params: ReferenceParams = read(params)?;
                let (document, offset) = self.place(&params.text_document_position)?;
                let all = params.context.include_declaration;
                Ok(json!(locations(document, offset, if all { Wanted::All } else { Wanted::Uses })))
            }
            "textDocument/prepareRename" => {
                self.at(params, |document, offset| json!(rename::prepare(document, offset)))
            }
            "textDocument/rename" => {
                let params: RenameParams = read(params)?;
                let (document, offset) = self.place(&params.text_document_position)?;
                let edits = rename::rename(document, offset, &params.new_name);
                let edits = edits.map_err(|reason| (ErrorCode::RequestFailed, reason))?;
                Ok(json!({ "changes": { document.uri.as_str(): edits } }))
            }
            "textDocument/formatting" => {
                let params: DocumentFormattingParams = read(params)?;
                Ok(json!(format(self.document(&params.text_document.uri)?)))
            }
            "textDocument/documentSymbol" => {
                let params: DocumentSymbolParams = read(params)?;
                Ok(json!(symbols::symbols(self.document(&params.text_document.uri)?)))
            }
            _ => Err((ErrorCode::MethodNotFound, format!("`{method}` is not known"))),
        }
    }

    fn at(&self, params: Value, answer: impl Fn(&Document, usize) -> Value) -> Answer {
        let (document, offset) = self.place(&read(params)?)?;
        Ok(answer(document, offset))
    }

    fn place(&self, place: &TextDocumentPositionParams) -> Result<(&Document, usize), (ErrorCode, String)> {
        let document = self.document(&place.text_document.uri)?;
        Ok((document, document.offset(place.position)))
    }

    fn document(&self, uri: &Uri) -> Result<&Document, (ErrorCode, String)> {
        let known = self.documents.get(uri.as_str());
        known.ok_or_else(|| (ErrorCode::InvalidParams, format!("{} is not open", uri.as_str())))
    }

    /// Notifications have no answer. An invalid one is reported on standard error, which editors log.
    fn notification(&mut self, notification: Notification) {
        if self.stage != Stage::Open {
            return;
        }
        let Notification { method, params } = notification;
        let done = match method.as_str() {
            "textDocument/didOpen" => read(params).map(|params| self.open(params)),
            "textDocument/didChange" => read(params).and_then(|params| self.change(params)),
            "textDocument/didClose" => read(params).map(|params| self.close(&params)),
            _ => Ok(()),
        };
        if let Err((_, reason)) = done {
            eprintln!("error: {method}: {reason}");
        }
    }

    fn open(&mut self, params: DidOpenTextDocumentParams) {
        let file = params.text_document;
        let key = file.uri.as_str().to_owned();
        self.documents.insert(key.clone(), Document::new(file.uri, file.version, file.text));
        self.changed = Some(key);
    }

    fn change(&mut self, params: DidChangeTextDocumentParams) -> Result<(), (ErrorCode, String)> {
        let key = params.text_document.uri.as_str().to_owned();
        let Some(document) = self.documents.get_mut(&key) else {
            return Err((ErrorCode::InvalidParams, format!("{key} is not open")));
        };
        document.change(params.text_document.version, params.content_changes);
        self.changed = Some(key);
        Ok(())
    }

    fn close(&mut self, params: &DidCloseTextDocumentParams) {
        if let Some(document) = self.documents.remove(params.text_document.uri.as_str()) {
            self.publish(&diagnostics::none(&document));
        }
    }

    /// Publishes pending diagnostics, unless the next message changes the same file again.
    fn publish_due(&mut self, next: Option<String>) {
        if next.is_some() && next == self.changed {
            return;
        }
        if let Some(document) = self.changed.take().and_then(|key| self.documents.get(&key)) {
            self.publish(&diagnostics::diagnostics(document));
        }
    }

    fn publish(&self, params: &PublishDiagnosticsParams) {
        let method = "textDocument/publishDiagnostics".to_owned();
        self.send(Notification { method, params: json!(params) }.into());
    }
}

/// The file that a message changes.
fn changed_by(message: &Message) -> Option<String> {
    match message {
        Message::Notification(Notification { method, params }) if method == "textDocument/didChange" => {
            params["textDocument"]["uri"].as_str().map(str::to_owned)
        }
        _ => None,
    }
}

fn read<T: DeserializeOwned>(params: Value) -> Result<T, (ErrorCode, String)> {
    serde_json::from_value(params).map_err(|reason| (ErrorCode::InvalidParams, reason.to_string()))
}

/// The kind of places that are requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Definition,
    Uses,
    All,
}

fn locations(document: &Document, offset: usize, wanted: Wanted) -> Vec<Location> {
    let index = document.index();
    let Some(word) = index.at(offset).filter(|word| word.target.defined().is_some()) else { return Vec::new() };
    let fits = |definition: bool| match wanted {
        Wanted::Definition => definition,
        Wanted::Uses => !definition,
        Wanted::All => true,
    };
    let found = index.references(&word.target).filter(|word| fits(word.definition));
    let spans: Vec<_> = found.map(|word| word.span).collect();
    // If a name is defined twice, the first definition counts.
    let spans = if wanted == Wanted::Definition { spans.into_iter().take(1).collect() } else { spans };
    spans.into_iter().map(|span| Location { uri: document.uri.clone(), range: document.range(span) }).collect()
}

/// The edit that replaces the whole file, if it is not in canonical form. None for a file that does not parse.
fn format(document: &Document) -> Option<Vec<TextEdit>> {
    let canonical = srvae_dsl::format(document.compilation().source()).ok()?;
    if canonical == document.text() {
        return Some(Vec::new());
    }
    Some(vec![TextEdit { range: document.full_range(), new_text: canonical }])
}

fn initialized() -> Value {
    let capabilities = ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Kind(TextDocumentSyncKind::INCREMENTAL)),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some([">", "(", ",", ":", "[", "{"].map(str::to_owned).to_vec()),
            ..CompletionOptions::default()
        }),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: Default::default(),
        })),
        document_formatting_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        ..ServerCapabilities::default()
    };
    json!({
        "capabilities": capabilities,
        "serverInfo": { "name": "srvae", "version": env!("CARGO_PKG_VERSION") },
    })
}
