/** The servers of a window's folders, one each, and the commands that are for one or all of them. */
import * as vscode from "vscode";
import { command } from "./protocol";
import { servedBy } from "./routing";
import { Server } from "./server";
import type { StatusItem } from "./statusItem";
import { carry } from "./symbols";

/** Follows the folders of the window. */
export class Folders implements vscode.Disposable {
  private readonly servers = new Map<string, Server>();
  private begun = 0;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
    private readonly status: StatusItem,
  ) {}

  /** Starts the servers of folders that came, and ends those of folders that went. */
  async follow(): Promise<void> {
    const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === "file");
    const present = new Set(folders.map(({ uri }) => uri.toString()));
    const gone = [...this.servers].filter(([root]) => !present.has(root));
    const come = folders.filter(({ uri }) => !this.servers.has(uri.toString()));
    for (const [root, server] of gone) {
      this.servers.delete(root);
      server.dispose();
    }
    await Promise.all(come.map((folder) => this.begin(folder)));
  }

  /** Starts, stops or restarts what the settings now ask to. */
  async refresh(change?: vscode.ConfigurationChangeEvent): Promise<void> {
    const concerned = [...this.servers.values()].filter(({ folder }) => concerns(change, folder));
    await Promise.all(concerned.map((server) => server.refresh()));
  }

  /** Restarts all servers. */
  async restart(): Promise<void> {
    await Promise.all([...this.servers.values()].map((server) => server.restart()));
  }

  /** Ends all servers, and waits until they are gone. */
  async stop(): Promise<void> {
    await Promise.all([...this.servers.values()].map((server) => server.stop()));
  }

  dispose(): void {
    for (const server of this.servers.values()) {
      server.dispose();
    }
    this.servers.clear();
  }

  /** Registers the servers' commands, which work as long as there is a server for them. */
  commands(): vscode.Disposable[] {
    return Object.values(command).map((name) =>
      vscode.commands.registerCommand(name, (...args: unknown[]) => this.execute(name, args)),
    );
  }

  private async execute(name: string, args: unknown[]): Promise<unknown> {
    const serving = [...this.servers.values()].filter((server) => server.isServing);
    const active = vscode.window.activeTextEditor?.document.uri.toString();
    const meant = servedBy(serving, name, args, active);
    if (meant.length === 0) {
      vscode.window.setStatusBarMessage("Aftershock: no server is running", 4000);
    }
    const answers = await Promise.allSettled(
      meant.map((server) =>
        name === command.showTimeline
          ? server.timeline.show()
          : carry(name, args, (asked, given) => server.execute(asked, given), server.folder),
      ),
    );
    const done = answers.filter((answer) => answer.status === "fulfilled");
    const refused = answers.filter((answer) => answer.status === "rejected");
    if (done.length === 0 && refused[0] !== undefined) {
      throw refused[0].reason;
    }
    for (const { reason } of refused) {
      this.log.warn(`${name}: ${String(reason)}`);
    }
    return done[0]?.value;
  }

  private begin(folder: vscode.WorkspaceFolder): Promise<void> {
    this.begun += 1;
    const server = new Server(this.context, folder, this.log, this.status, this.begun);
    this.servers.set(folder.uri.toString(), server);
    return server.refresh();
  }
}

function concerns(
  change: vscode.ConfigurationChangeEvent | undefined,
  folder: vscode.WorkspaceFolder,
): boolean {
  return (
    change === undefined ||
    change.affectsConfiguration("aftershock", folder) ||
    change.affectsConfiguration("python.testing", folder)
  );
}
