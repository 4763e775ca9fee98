// Drives the extension through a session: node run.js PROGRAM [ARGUMENT…], where the program is the language server.
"use strict";

const assert = require("assert");
const Module = require("module");
const path = require("path");

const resolve = Module._resolveFilename;
Module._resolveFilename = (name, ...rest) =>
  name === "vscode" ? path.join(__dirname, "vscode.js") : resolve(name, ...rest);

const vscode = require("vscode");
const extension = require("../extension");

const LINES = [
  "model m",
  "param width = 4",
  "observed x: real[width]",
  "latent z: real[2]",
  "p(z) = standard_normal",
  "p(x | z) = normal from z |> liner",
  "q(z | x) = normal from x |> linear",
];

function file(lines) {
  const name = "file:///m.pgm";
  return { languageId: "pgm", version: 1, uri: vscode.Uri.parse(name), getText: () => lines.join("\n") + "\n" };
}

// Diagnostics come when they come; everything else is awaited.
async function diagnostics(count) {
  for (let tries = 0; tries < 500; tries++) {
    const found = vscode.diagnostics.get("file:///m.pgm");
    if (found && found.length === count) return found;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`no ${count} diagnostics: ${JSON.stringify([...vscode.diagnostics])}`);
}

async function main([program, ...args]) {
  const { providers, events } = vscode;
  const document = file(LINES);
  vscode.workspace.textDocuments.push(document);

  // A program that is not there is one warning; everything that needs it yields nothing.
  vscode.settings = { enabled: true, path: "/nowhere/srvae-run", arguments: args };
  const context = { subscriptions: [] };
  await extension.activate(context);
  assert.match(vscode.warnings[0], /\/nowhere\/srvae-run cannot be started.*srvae\.server\.path/);
  assert.strictEqual(await providers.hover.provideHover(document, { line: 3, character: 7 }), undefined);

  // The settings change: the server starts and knows the files that were open.
  vscode.settings = { enabled: true, path: program, arguments: args };
  await events.settings({ affectsConfiguration: () => true });
  const [wrong] = await diagnostics(1);
  assert.match(wrong.message, /did you mean `linear`/);
  assert.deepStrictEqual(wrong.range, new vscode.Range(5, 28, 5, 33));
  assert.strictEqual(wrong.severity, 0);

  // Mended.
  const range = new vscode.Range(5, 28, 5, 33);
  document.version = 2;
  events.change({ document, contentChanges: [{ range, text: "linear" }] });
  await diagnostics(0);

  const at = (line, character) => [document, { line, character }];
  const hover = await providers.hover.provideHover(...at(3, 7));
  assert.match(hover.contents.value, /shape \[2\], 2 values/);
  const completion = await providers.completion.provideCompletionItems(...at(5, 28));
  assert.ok(completion.some((item) => item.label === "densenet" && item.documentation.value.includes("`growth = 64`")));
  const definition = await providers.definition.provideDefinition(...at(5, 6));
  assert.deepStrictEqual(definition.range, new vscode.Range(3, 7, 3, 8));
  const uses = await providers.references.provideReferences(...at(3, 7), { includeDeclaration: false });
  assert.strictEqual(uses.length, 4);
  assert.deepStrictEqual(await providers.rename.prepareRename(...at(1, 6)), new vscode.Range(1, 6, 1, 11));
  await assert.rejects(providers.rename.prepareRename(...at(4, 10)), /no name/);
  const edit = await providers.rename.provideRenameEdits(...at(1, 6), "size");
  assert.strictEqual(edit.changes["file:///m.pgm"].length, 2);
  await assert.rejects(providers.rename.provideRenameEdits(...at(1, 6), "z"), /`z` is defined twice/);
  const [formatted] = await providers.formatting.provideDocumentFormattingEdits(document, { tabSize: 4, insertSpaces: true });
  assert.match(formatted.newText, /latent {3}z: real\[2\]/);
  const symbols = await providers.symbols.provideDocumentSymbols(document);
  assert.deepStrictEqual(symbols.map((symbol) => symbol.name).slice(0, 4), ["m", "width", "x", "z"]);

  // A closed file has no diagnostics, and the server ends with the editor.
  events.close(document);
  assert.strictEqual(vscode.diagnostics.size, 0);
  await extension.deactivate();
}

main(process.argv.slice(2)).then(
  () => console.log("the extension works"),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
