// A language client, as far as this extension needs one: JSON-RPC over a program's standard input and output.
"use strict";

const { spawn } = require("child_process");

class Client {
  // `program` with `args` is the server; `log` takes lines for people; `published` takes diagnostics.
  constructor(program, args, log, published) {
    this.program = program;
    this.args = args;
    this.log = log;
    this.published = published;
    this.next = 1;
    this.waiting = new Map();
    this.received = Buffer.alloc(0);
    this.server = undefined;
  }

  // Starts the server and says hello. Rejects where the program cannot be started.
  async start() {
    const server = spawn(this.program, this.args, { stdio: ["pipe", "pipe", "pipe"] });
    this.server = server;
    const failed = new Promise((_, reject) => server.once("error", reject));
    failed.catch(() => {});
    server.stdout.on("data", (bytes) => this.receive(bytes));
    server.stderr.on("data", (bytes) => this.log(bytes.toString().trimEnd()));
    // Writing to a server that is gone: its end is reported where it ends.
    server.stdin.on("error", () => {});
    server.once("close", (code) => this.ended(code));
    const hello = { processId: process.pid, rootUri: null, capabilities: {} };
    await Promise.race([this.request("initialize", hello), failed]);
    this.notify("initialized", {});
  }

  ended(code) {
    this.server = undefined;
    for (const { reject } of this.waiting.values()) {
      reject(new Error(`the language server ended (exit code ${code})`));
    }
    this.waiting.clear();
  }

  async stop() {
    const server = this.server;
    if (!server) return;
    const closed = new Promise((resolve) => server.once("close", resolve));
    await this.request("shutdown", null);
    this.notify("exit", null);
    await closed;
  }

  // The answer to a request; `token` is VS Code's cancellation token.
  request(method, params, token) {
    if (!this.server) return Promise.reject(new Error("the language server does not run"));
    const id = this.next++;
    const answer = new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
    this.send({ jsonrpc: "2.0", id, method, params });
    if (token) token.onCancellationRequested(() => this.notify("$/cancelRequest", { id }));
    return answer;
  }

  notify(method, params) {
    if (this.server) this.send({ jsonrpc: "2.0", method, params });
  }

  send(message) {
    const body = Buffer.from(JSON.stringify(message));
    this.server.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
    this.server.stdin.write(body);
  }

  receive(bytes) {
    this.received = Buffer.concat([this.received, bytes]);
    for (;;) {
      const end = this.received.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = /Content-Length: (\d+)/i.exec(this.received.toString("ascii", 0, end));
      const [start, size] = [end + 4, Number(length && length[1])];
      if (this.received.length < start + size) return;
      const message = JSON.parse(this.received.toString("utf8", start, start + size));
      this.received = this.received.subarray(start + size);
      this.take(message);
    }
  }

  take(message) {
    if (message.method === "textDocument/publishDiagnostics") {
      this.published(message.params);
      return;
    }
    const asked = this.waiting.get(message.id);
    if (!asked) return;
    this.waiting.delete(message.id);
    if (message.error) {
      const error = new Error(message.error.message);
      error.code = message.error.code;
      asked.reject(error);
    } else {
      asked.resolve(message.result);
    }
  }
}

module.exports = { Client };
