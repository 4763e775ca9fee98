// Connects VS Code to `srvae-run lsp`. Plain JavaScript: nothing to build, nothing to install.
"use strict";

const vscode = require("vscode");
const { Client } = require("./client");

const FILES = { language: "pgm" };
const CANCELLED = -32800;

let client;

async function activate(context) {
  const output = vscode.window.createOutputChannel("srvae");
  const diagnostics = vscode.languages.createDiagnosticCollection("srvae");
  const start = () => run(output, diagnostics);
  context.subscriptions.push(
    output,
    diagnostics,
    ...documents(diagnostics),
    ...features(),
    vscode.commands.registerCommand("srvae.restart", start),
    vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("srvae.server") && start()),
  );
  await start();
}

async function deactivate() {
  if (client) await client.stop().catch(() => {});
  client = undefined;
}

// Starts the server of the settings, in place of one that runs.
async function run(output, diagnostics) {
  await deactivate();
  diagnostics.clear();
  const settings = vscode.workspace.getConfiguration("srvae.server");
  if (!settings.get("enabled")) return;
  const path = settings.get("path");
  const started = new Client(path, settings.get("arguments"), (line) => output.appendLine(line), (params) => {
    const found = params.diagnostics.map((diagnostic) => toDiagnostic(diagnostic));
    diagnostics.set(vscode.Uri.parse(params.uri), found);
  });
  try {
    await started.start();
  } catch (error) {
    const message = `srvae: ${path} cannot be started (${error.message}); set srvae.server.path to the program srvae-run`;
    vscode.window.showWarningMessage(message);
    return;
  }
  client = started;
  vscode.workspace.textDocuments.forEach(open);
}

const ours = (document) => document.languageId === FILES.language;
const uri = (document) => document.uri.toString();

function open(document) {
  if (!client || !ours(document)) return;
  const { version } = document;
  const item = { uri: uri(document), languageId: FILES.language, version, text: document.getText() };
  client.notify("textDocument/didOpen", { textDocument: item });
}

// Keeps the server's texts as the editor has them.
function documents(diagnostics) {
  const change = ({ document, contentChanges }) => {
    if (!client || !ours(document) || contentChanges.length === 0) return;
    const changes = contentChanges.map(({ range, text }) => ({ range: fromRange(range), text }));
    const file = { uri: uri(document), version: document.version };
    client.notify("textDocument/didChange", { textDocument: file, contentChanges: changes });
  };
  const close = (document) => {
    if (!ours(document)) return;
    if (client) client.notify("textDocument/didClose", { textDocument: { uri: uri(document) } });
    diagnostics.delete(document.uri);
  };
  return [
    vscode.workspace.onDidOpenTextDocument(open),
    vscode.workspace.onDidChangeTextDocument(change),
    vscode.workspace.onDidCloseTextDocument(close),
  ];
}

// One provider for each request that the server answers.
function features() {
  const at = (document, position) => ({ textDocument: { uri: uri(document) }, position: fromPosition(position) });
  const file = (document) => ({ textDocument: { uri: uri(document) } });
  const languages = vscode.languages;
  return [
    languages.registerHoverProvider(FILES, {
      provideHover: async (document, position, token) => {
        const hover = await ask("hover", at(document, position), token);
        return hover && new vscode.Hover(new vscode.MarkdownString(hover.contents.value), toRange(hover.range));
      },
    }),
    languages.registerCompletionItemProvider(
      FILES,
      {
        provideCompletionItems: async (document, position, token) =>
          ((await ask("completion", at(document, position), token)) || []).map(toCompletion),
      },
      ...[">", "(", ",", ":", "[", "{"],
    ),
    languages.registerDefinitionProvider(FILES, {
      provideDefinition: async (document, position, token) => {
        const found = await ask("definition", at(document, position), token);
        return found && toLocation(found);
      },
    }),
    languages.registerReferenceProvider(FILES, {
      provideReferences: async (document, position, context, token) => {
        const params = { ...at(document, position), context };
        return ((await ask("references", params, token)) || []).map(toLocation);
      },
    }),
    languages.registerRenameProvider(FILES, {
      prepareRename: async (document, position, token) => {
        const range = await ask("prepareRename", at(document, position), token);
        if (!range) throw new Error("There is no name of this file here.");
        return toRange(range);
      },
      provideRenameEdits: async (document, position, newName, token) => {
        const edit = await ask("rename", { ...at(document, position), newName }, token);
        const changes = new vscode.WorkspaceEdit();
        for (const [key, edits] of Object.entries((edit && edit.changes) || {})) {
          changes.set(vscode.Uri.parse(key), edits.map(toEdit));
        }
        return changes;
      },
    }),
    languages.registerDocumentFormattingEditProvider(FILES, {
      provideDocumentFormattingEdits: async (document, options, token) => {
        const { tabSize, insertSpaces } = options;
        const params = { ...file(document), options: { tabSize, insertSpaces } };
        return ((await ask("formatting", params, token)) || []).map(toEdit);
      },
    }),
    languages.registerDocumentSymbolProvider(FILES, {
      provideDocumentSymbols: async (document, token) =>
        ((await ask("documentSymbol", file(document), token)) || []).map(toSymbol),
    }),
  ];
}

// The answer to a request; none while no server runs, and none to a request that was cancelled.
async function ask(method, params, token) {
  if (!client) return undefined;
  try {
    return await client.request(`textDocument/${method}`, params, token);
  } catch (error) {
    if (error.code === CANCELLED) return undefined;
    throw error;
  }
}

const fromPosition = ({ line, character }) => ({ line, character });
const fromRange = ({ start, end }) => ({ start: fromPosition(start), end: fromPosition(end) });
const toRange = ({ start, end }) => new vscode.Range(start.line, start.character, end.line, end.character);
const toLocation = ({ uri, range }) => new vscode.Location(vscode.Uri.parse(uri), toRange(range));
const toEdit = ({ range, newText }) => new vscode.TextEdit(toRange(range), newText);

// The protocol counts kinds from 1, VS Code from 0.
function toCompletion({ label, kind, detail, documentation, insertText }) {
  const item = new vscode.CompletionItem(label, kind - 1);
  item.detail = detail;
  item.documentation = documentation && new vscode.MarkdownString(documentation.value);
  item.insertText = insertText;
  return item;
}

function toSymbol({ name, kind, range, selectionRange }) {
  return new vscode.DocumentSymbol(name, "", kind - 1, toRange(range), toRange(selectionRange));
}

function toDiagnostic({ range, message, severity, code, source, relatedInformation }) {
  const diagnostic = new vscode.Diagnostic(toRange(range), message, severity - 1);
  diagnostic.code = code;
  diagnostic.source = source;
  diagnostic.relatedInformation = (relatedInformation || []).map(
    (related) => new vscode.DiagnosticRelatedInformation(toLocation(related.location), related.message),
  );
  return diagnostic;
}

module.exports = { activate, deactivate };
