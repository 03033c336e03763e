/** Aftershock in VS Code: a server for each folder, one status item, and the commands. */
import * as vscode from "vscode";
import { Folders } from "./folders";
import { ownCommand } from "./protocol";
import { onSelection } from "./pythonExtension";
import { StatusItem } from "./statusItem";

let folders: Folders | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel("Aftershock", { log: true });
  const status = new StatusItem();
  const current = new Folders(context, log, status);
  folders = current;
  const refresh = (): void => {
    void current.refresh();
  };
  const { registerCommand } = vscode.commands;
  context.subscriptions.push(
    log,
    status,
    current,
    ...current.commands(),
    registerCommand(ownCommand.restartServer, () => current.restart()),
    registerCommand(ownCommand.showLog, () => {
      log.show();
    }),
    registerCommand(ownCommand.showMenu, () => status.menu()),
    vscode.workspace.onDidGrantWorkspaceTrust(refresh),
    vscode.workspace.onDidChangeWorkspaceFolders(() => current.follow()),
    vscode.workspace.onDidChangeConfiguration((change) => current.refresh(change)),
  );
  await current.follow();
  if (vscode.workspace.isTrusted) {
    context.subscriptions.push(await onSelection(refresh));
  }
}

export async function deactivate(): Promise<void> {
  await folders?.stop();
}
