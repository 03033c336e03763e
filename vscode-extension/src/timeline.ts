/** The timeline of a folder's last run: one panel, drawn by the server, which opens the tests that are chosen in it. */
import * as vscode from "vscode";
import { toLocation } from "./convert";
import { command, type State, type TestPlace, type Timeline } from "./protocol";
import type { Ask } from "./symbols";

/** What the page says when somebody chooses a test; `server/aftershock/timeline/page.js` sends it. */
interface Chosen {
  open: string;
}

export class TimelinePanel implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  private running = false;
  private outdated = false;

  /** @param ask Asks the server that is there; nothing comes back where none is, or where it can't tell. */
  constructor(
    private readonly folder: vscode.WorkspaceFolder,
    private readonly ask: Ask,
  ) {}

  /** Opens the panel beside the text, which keeps the focus; goes to it where it is open already. */
  async show(): Promise<void> {
    if (this.panel === undefined) {
      this.panel = this.open();
    } else {
      this.panel.reveal();
    }
    await this.draw();
  }

  /** The server's state moved: after a run the picture is another. */
  serverIs(state: State): void {
    const running = state === "running" || state === "building";
    const ended = this.running && !running;
    this.running = running;
    if (ended) {
      this.outdated = true;
      void this.drawIfSeen();
    }
  }

  dispose(): void {
    this.panel?.dispose();
  }

  private open(): vscode.WebviewPanel {
    const panel = vscode.window.createWebviewPanel(
      "aftershock.timeline",
      (vscode.workspace.workspaceFolders ?? []).length > 1 ? `Timeline: ${this.folder.name}` : "Timeline",
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
      { enableScripts: true, enableFindWidget: true, localResourceRoots: [] },
    );
    panel.onDidDispose(() => {
      this.panel = undefined;
    });
    panel.onDidChangeViewState(() => void this.drawIfSeen());
    panel.webview.onDidReceiveMessage(({ open }: Chosen) => this.openTest(panel, open));
    return panel;
  }

  private async drawIfSeen(): Promise<void> {
    if (this.outdated && this.panel?.visible === true) {
      await this.draw();
    }
  }

  private async draw(): Promise<void> {
    const timeline = (await this.ask(command.showTimeline, [])) as Timeline | undefined;
    this.outdated = timeline === undefined;
    if (this.panel !== undefined && timeline !== undefined) {
      this.panel.webview.html = timeline.html;
    }
  }

  /** Opens a test where text is open already, so that the timeline stays in view. */
  private async openTest(panel: vscode.WebviewPanel, test: string): Promise<void> {
    const place = (await this.ask(command.locateTest, [test])) as TestPlace | undefined;
    if (place === undefined) {
      vscode.window.setStatusBarMessage(`Aftershock: ${test} is not there any more`, 4000);
      return;
    }
    const { uri, range } = toLocation(place.location);
    const columns = vscode.window.visibleTextEditors.map(({ viewColumn }) => viewColumn);
    await vscode.window.showTextDocument(uri, {
      viewColumn:
        columns.find((column) => column !== undefined && column !== panel.viewColumn) ??
        vscode.ViewColumn.Beside,
      selection: new vscode.Range(range.start, range.start),
    });
  }
}
