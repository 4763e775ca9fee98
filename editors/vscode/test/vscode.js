// A stand-in for the module `vscode`: as much of it as the extension uses, with the providers kept for the test.
"use strict";

class Range {
  constructor(startLine, startCharacter, endLine, endCharacter) {
    this.start = { line: startLine, character: startCharacter };
    this.end = { line: endLine, character: endCharacter };
  }
}

const record = (...fields) =>
  class {
    constructor(...values) {
      fields.forEach((field, at) => (this[field] = values[at]));
    }
  };

const providers = {};
const events = {};
const warnings = [];
const diagnostics = new Map();
const disposable = { dispose() {} };
const keep = (store, name) => (...args) => {
  store[name] = args.find((arg) => typeof arg === "function" || (arg && !arg.language && typeof arg === "object"));
  return disposable;
};

class WorkspaceEdit {
  constructor() {
    this.changes = {};
  }
  set(uri, edits) {
    this.changes[uri.toString()] = edits;
  }
}

module.exports = {
  settings: {},
  providers,
  events,
  warnings,
  diagnostics,
  Range,
  WorkspaceEdit,
  Hover: record("contents", "range"),
  MarkdownString: record("value"),
  Location: record("uri", "range"),
  TextEdit: record("range", "newText"),
  CompletionItem: record("label", "kind"),
  DocumentSymbol: record("name", "detail", "kind", "range", "selectionRange"),
  Diagnostic: record("range", "message", "severity"),
  DiagnosticRelatedInformation: record("location", "message"),
  Uri: { parse: (text) => ({ toString: () => text }) },
  window: {
    createOutputChannel: () => ({ appendLine() {}, dispose() {} }),
    showWarningMessage: (message) => warnings.push(message),
  },
  commands: { registerCommand: (name, run) => ((providers[name] = run), disposable) },
  workspace: {
    textDocuments: [],
    getConfiguration: () => ({ get: (name) => module.exports.settings[name] }),
    onDidOpenTextDocument: keep(events, "open"),
    onDidChangeTextDocument: keep(events, "change"),
    onDidCloseTextDocument: keep(events, "close"),
    onDidChangeConfiguration: keep(events, "settings"),
  },
  languages: {
    createDiagnosticCollection: () => ({
      set: (uri, found) => diagnostics.set(uri.toString(), found),
      delete: (uri) => diagnostics.delete(uri.toString()),
      clear: () => diagnostics.clear(),
      dispose() {},
    }),
    registerHoverProvider: keep(providers, "hover"),
    registerCompletionItemProvider: keep(providers, "completion"),
    registerDefinitionProvider: keep(providers, "definition"),
    registerReferenceProvider: keep(providers, "references"),
    registerRenameProvider: keep(providers, "rename"),
    registerDocumentFormattingEditProvider: keep(providers, "formatting"),
    registerDocumentSymbolProvider: keep(providers, "symbols"),
  },
};
