/** Aftershock in VS Code: one server for the workspace's first folder, its status item and its commands. */
import * as vscode from "vscode";
import { ownCommand } from "./protocol";
import { onSelection } from "./pythonExtension";
import { Server } from "./server";
import { StatusItem } from "./statusItem";

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.find((one) => one.uri.scheme === "file");
  if (folder === undefined) {
    return;
  }
  const log = vscode.window.createOutputChannel("Aftershock", { log: true });
  const status = new StatusItem();
  const current = new Server(context, folder, log, status);
  server = current;
  const refresh = (): void => {
    void current.refresh();
  };
  const { registerCommand } = vscode.commands;
  context.subscriptions.push(
    log,
    status,
    current,
    registerCommand(ownCommand.restartServer, () => current.restart()),
    registerCommand(ownCommand.showLog, () => {
      log.show();
    }),
    registerCommand(ownCommand.showMenu, () => status.menu()),
    vscode.workspace.onDidGrantWorkspaceTrust(refresh),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (concerns(change, folder)) {
        refresh();
      }
    }),
  );
  await current.refresh();
  if (vscode.workspace.isTrusted) {
    context.subscriptions.push(await onSelection(refresh));
  }
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}

function concerns(change: vscode.ConfigurationChangeEvent, folder: vscode.WorkspaceFolder): boolean {
  return (
    change.affectsConfiguration("aftershock", folder) || change.affectsConfiguration("python.testing", folder)
  );
}
