//! The language server: answers an editor's requests about `.pgm` files with the compiler.
//!
//! - `server`: receives and sends messages; the states of a session;
//! - `document`, `text`: open files, and positions as in the protocol (lines, UTF-16 units);
//! - `walk`: every word of a syntax tree with its role; `index`: the meaning of each word, derived from these roles;
//! - `catalogue`, `facts`: the catalogue's and the checked model's information about a word;
//! - `hover`, `complete`, `rename`, `symbols`, `diagnostics`: one request each.
//!
//! Invariant: only the compiler's parser parses the language, also for incomplete statements.

pub mod catalogue;
mod complete;
mod context;
mod diagnostics;
mod document;
mod facts;
mod hover;
mod index;
mod rename;
mod server;
mod symbols;
mod text;
mod walk;

use lsp_server::Connection;
use std::process::ExitCode;

/// Serves standard input and output until the client ends the session.
///
/// Returns the exit code of the protocol: 0 if `shutdown` came before `exit`, else 1.
pub fn stdio() -> ExitCode {
    let (stdio, threads) = Connection::stdio();
    let connection = queued(stdio);
    let orderly = server::serve(&connection);
    // The writing thread ends when the channel is closed.
    drop(connection);
    let written = threads.join();
    if let Err(reason) = &written {
        eprintln!("error: the connection to the editor broke: {reason}");
    }
    if orderly && written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A connection that receives messages while another one is answered, so that cancellations are seen in time.
fn queued(connection: Connection) -> Connection {
    let Connection { sender, receiver } = connection;
    let (queue, ours) = Connection::memory();
    std::thread::spawn(move || {
        for message in receiver {
            if queue.sender.send(message).is_err() {
                break;
            }
        }
    });
    Connection { sender, receiver: ours.receiver }
}
