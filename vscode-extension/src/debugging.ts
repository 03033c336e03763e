/** Debugs tests: the server starts them, the Python Debugger extension attaches. */
import * as vscode from "vscode";
import { command, type DebugAddress } from "./protocol";
import type { Ask } from "./symbols";

const debuggerId = "ms-python.debugpy";
const show = "Show Extension";

/**
 * Starts tests under a debugger, and waits until they are debugged to the end.
 *
 * @param ids Ids of tests, or of classes of tests; none where the user picked none.
 */
export async function debugTests(
  ids: readonly unknown[] | undefined,
  ask: Ask,
  folder: vscode.WorkspaceFolder,
): Promise<void> {
  if (ids === undefined) {
    return;
  }
  if (vscode.extensions.getExtension(debuggerId) === undefined) {
    void offerDebugger();
    return;
  }
  const address = (await ask(command.debugTest, [...ids])) as DebugAddress;
  await attach(`Aftershock: ${String(ids[0])}`, address, folder);
}

async function offerDebugger(): Promise<void> {
  const message =
    "Debugging a test needs the Python Debugger extension (ms-python.debugpy), which is not installed.";
  if ((await vscode.window.showErrorMessage(message, show)) === show) {
    await vscode.commands.executeCommand("workbench.extensions.search", debuggerId);
  }
}

async function attach(
  name: string,
  { host, port }: DebugAddress,
  folder: vscode.WorkspaceFolder,
): Promise<void> {
  let ended: () => void = () => undefined;
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const listening = vscode.debug.onDidTerminateDebugSession((session) => {
    if (session.name === name) {
      ended();
    }
  });
  try {
    const configuration = {
      type: "debugpy",
      request: "attach",
      name,
      connect: { host, port },
      redirectOutput: true,
    };
    if (await vscode.debug.startDebugging(folder, configuration)) {
      await end;
    }
  } finally {
    listening.dispose();
  }
}
