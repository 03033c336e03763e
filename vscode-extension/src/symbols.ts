/** The commands that speak of one symbol or test, from a lens or from the palette, and what they show. */
import * as vscode from "vscode";
import {
  command,
  type Explanation,
  type LineReference,
  type LineTests,
  type SymbolReference,
  type SymbolTest,
  type SymbolTests,
} from "./protocol";
import { changedLine, lineTestsTitle, readable, symbolTestLabel } from "./symbolText";
import { toLocation } from "./convert";
import { debugTests } from "./debugging";
import { isReference } from "./routing";

/** The innermost symbol with a lens of ours at or above the cursor, or undefined. */
async function symbolAtCursor(): Promise<SymbolReference | undefined> {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    return undefined;
  }
  const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
    "vscode.executeCodeLensProvider",
    editor.document.uri,
    Number.MAX_SAFE_INTEGER,
  );
  const ours = lenses
    .filter((lens) => lens.range.start.line <= editor.selection.active.line)
    .filter((lens) => lens.command?.command.startsWith("aftershock.") === true)
    .sort((one, other) => other.range.start.line - one.range.start.line);
  for (const lens of ours) {
    const [reference] = (lens.command?.arguments ?? []) as unknown[];
    if (isReference(reference)) {
      return reference;
    }
  }
  return undefined;
}

/** The arguments of a symbol's command: those that it has, or the symbol at the cursor; undefined without one. */
async function symbolArguments(args: unknown[]): Promise<unknown[] | undefined> {
  if (args.length > 0) {
    return args;
  }
  const symbol = await symbolAtCursor();
  if (symbol === undefined) {
    vscode.window.setStatusBarMessage(
      "Aftershock: no function, class or test with tests at the cursor",
      4000,
    );
    return undefined;
  }
  return [symbol];
}

/** The line of a command that the menu at the line numbers sends, or the cursor's; undefined without an editor. */
function line(args: unknown[]): LineReference | undefined {
  const [clicked] = args as ({ uri: vscode.Uri; lineNumber: number } | undefined)[];
  if (clicked !== undefined) {
    return { uri: clicked.uri.toString(), line: clicked.lineNumber - 1 };
  }
  const editor = vscode.window.activeTextEditor;
  return editor && { uri: editor.document.uri.toString(), line: editor.selection.active.line };
}

/** Lists tests and opens the one that is picked. */
async function openTest({ tests }: SymbolTests, title = "Tests that reach this"): Promise<void> {
  const test = await pick(tests, title);
  if (test !== undefined) {
    const { uri, range } = toLocation(test.location);
    await vscode.window.showTextDocument(uri, { selection: new vscode.Range(range.start, range.start) });
  }
}

async function openTestOfSymbol(symbol: unknown[] | undefined, ask: Ask): Promise<void> {
  const found = symbol && ((await ask(command.showTestsForSymbol, symbol)) as SymbolTests | null);
  if (found) {
    await openTest(found);
  }
}

async function openTestOfLine(reference: LineReference | undefined, ask: Ask): Promise<void> {
  const found = reference && ((await ask(command.showTestsForLine, [reference])) as LineTests | null);
  if (found) {
    await openTest(found, lineTestsTitle(found));
  }
}

/** Shows why a test is affected, or what keeps it fresh. */
async function showExplanation(explanation: Explanation): Promise<void> {
  const { test, affected, reasons, inputs } = explanation;
  const labels = affected
    ? reasons.flatMap(({ text, lines }) => [text, ...lines.map(changedLine)])
    : readable(inputs);
  await vscode.window.showQuickPick(
    labels.map((label) => ({ label })),
    { title: test, placeHolder: affected ? "Affected by" : "Fresh: none of its inputs changed" },
  );
}

/** A test's id: the one given, or a test of the symbol at the cursor that the user picks. */
async function testArguments(args: unknown[], ask: Ask, title: string): Promise<unknown[] | undefined> {
  if (args.length > 0) {
    return args;
  }
  const symbol = await symbolArguments([]);
  if (symbol === undefined) {
    return undefined;
  }
  const found = (await ask(command.showTestsForSymbol, symbol)) as SymbolTests | null;
  const picked = await pick(found?.tests ?? [], title);
  return picked === undefined ? undefined : [picked.id];
}

async function pick(tests: readonly SymbolTest[], title: string): Promise<SymbolTest | undefined> {
  const picked = await vscode.window.showQuickPick(
    tests.map((test) => ({ ...symbolTestLabel(test), test })),
    { title, matchOnDescription: true },
  );
  return picked?.test;
}

/** Sends a command to the server and waits for its answer. */
export type Ask = (command: string, args: unknown[]) => unknown;

/** Carries a command to the server of a folder: fills in what the palette can't give, and shows what comes back. */
export async function carry(
  name: string,
  args: unknown[],
  ask: Ask,
  folder: vscode.WorkspaceFolder,
): Promise<unknown> {
  switch (name) {
    case command.showTestsForSymbol:
      return openTestOfSymbol(await symbolArguments(args), ask);
    case command.showTestsForLine:
      return openTestOfLine(line(args), ask);
    case command.runTestsForSymbol: {
      const symbol = await symbolArguments(args);
      return symbol && ask(name, symbol);
    }
    case command.why: {
      const test = await testArguments(args, ask, "Explain a test");
      const explanation = test && ((await ask(name, test)) as Explanation | null);
      return explanation ? showExplanation(explanation) : undefined;
    }
    case command.debugTest:
      return debugTests(await testArguments(args, ask, "Debug a test"), ask, folder);
    default:
      return ask(name, args);
  }
}
