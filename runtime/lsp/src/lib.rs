//! The language server: what an editor asks about `.pgm` files, answered by the compiler.
//!
//! - `server`: messages in, messages out; the life of a session;
//! - `document`, `text`: open files, and places in them as editors count (lines, UTF-16 units);
//! - `walk`: every word of a syntax tree with its place; `index`: what each word stands for, from that walk alone;
//! - `catalogue`, `facts`: what the compiler's catalogue and its checked model say of a word;
//! - `hover`, `complete`, `rename`, `symbols`, `diagnostics`: one request each.
//!
//! Invariant: nothing here reads the language. The compiler's parser does, also where a statement is half written.

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
/// The exit code is the protocol's: 0 where `shutdown` came before `exit`, else 1.
pub fn stdio() -> ExitCode {
    let (stdio, threads) = Connection::stdio();
    let connection = queued(stdio);
    let orderly = server::serve(&connection);
    // The writing thread ends when nothing can be sent any more.
    drop(connection);
    let written = threads.join();
    if let Err(reason) = &written {
        eprintln!("error: the connection to the editor broke: {reason}");
    }
    if orderly && written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The same connection, but messages are taken in while another one is answered: a cancellation is seen in time.
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
