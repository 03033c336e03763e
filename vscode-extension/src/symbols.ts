/** The commands that speak of one symbol or test, from a lens or from the palette, and what they show. */
import * as vscode from "vscode";
import {
  command,
  type Explanation,
  type SymbolReference,
  type SymbolTest,
  type SymbolTests,
} from "./protocol";
import { readable, symbolTestLabel } from "./symbolText";
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

/** Lists a symbol's tests and opens the one that is picked. */
async function openTest({ tests }: SymbolTests): Promise<void> {
  const test = await pick(tests, "Tests that reach this");
  if (test !== undefined) {
    const { uri, range } = toLocation(test.location);
    await vscode.window.showTextDocument(uri, { selection: new vscode.Range(range.start, range.start) });
  }
}

/** Shows why a test is affected, or what keeps it fresh. */
async function showExplanation(explanation: Explanation): Promise<void> {
  const { test, affected, reasons, inputs } = explanation;
  const lines = affected ? reasons : readable(inputs);
  await vscode.window.showQuickPick(
    lines.map((label) => ({ label })),
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
    case command.showTestsForSymbol: {
      const symbol = await symbolArguments(args);
      const found = symbol && ((await ask(name, symbol)) as SymbolTests | null);
      return found ? openTest(found) : undefined;
    }
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
