/** The status item: what Aftershock is doing, and the way to its commands. */
import * as vscode from "vscode";
import { command, ownCommand, type Status } from "./protocol";
import { counted, statusText } from "./statusText";

const stopped: Status = { state: "stopped", message: "", tests: 0, affected: 0, failed: 0 };

const backgrounds = {
  none: undefined,
  warning: new vscode.ThemeColor("statusBarItem.warningBackground"),
  error: new vscode.ThemeColor("statusBarItem.errorBackground"),
};

/** One item in the status bar, and its menu. */
export class StatusItem implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    "aftershock.status",
    vscode.StatusBarAlignment.Left,
    10,
  );
  private status = stopped;

  constructor() {
    this.item.name = "Aftershock";
    this.item.command = ownCommand.showMenu;
    this.show(stopped);
    this.item.show();
  }

  /** Shows what the server says of itself. */
  show(status: Status): void {
    this.status = status;
    const { text, detail, severity } = statusText(status);
    this.item.text = text;
    this.item.tooltip = `Aftershock\n${detail}`;
    this.item.backgroundColor = backgrounds[severity];
    this.item.accessibilityInformation = { label: `Aftershock: ${detail.replaceAll("\n", ", ")}` };
    void vscode.commands.executeCommand("setContext", "aftershock.paused", status.state === "paused");
  }

  /** Shows a state of the extension's own making, without counts. */
  showOwn(state: "starting" | "failed" | "stopped", message: string): void {
    this.show({ ...stopped, state, message });
  }

  /** Offers what can be done now, and does it. */
  async menu(): Promise<void> {
    const { text, detail } = statusText(this.status);
    const picked = await vscode.window.showQuickPick(choices(this.status), {
      title: `Aftershock: ${text.replace(/\$\([^)]*\) ?/g, "")}`,
      placeHolder: detail.split("\n")[0] ?? "",
    });
    if (picked !== undefined) {
      await vscode.commands.executeCommand(picked.command);
    }
  }

  dispose(): void {
    this.item.dispose();
  }
}

type Choice = vscode.QuickPickItem & { command: string };

function choices({ state, tests, affected, failed }: Status): Choice[] {
  const own: Choice[] = [
    { label: "$(debug-restart) Restart server", command: ownCommand.restartServer },
    { label: "$(output) Show log", command: ownCommand.showLog },
  ];
  if (state === "stopped" || state === "failed") {
    return own;
  }
  const busy = state === "running" || state === "building";
  return [
    ...when(busy, { label: "$(debug-stop) Cancel the run", command: command.cancel }),
    ...when(affected > 0, {
      label: `$(run) Run ${counted(affected, "affected test")}`,
      command: command.runAffected,
    }),
    ...when(failed > 0, {
      label: `$(run-errors) Run ${counted(failed, "failed test")}`,
      command: command.runFailed,
    }),
    { label: `$(run-all) Run all ${counted(tests, "test")}`, command: command.runAll },
    state === "paused"
      ? { label: "$(debug-continue) Resume runs on save", command: command.resume }
      : { label: "$(debug-pause) Pause runs on save", command: command.pause },
    { label: "$(refresh) Restart interpreter", command: command.restartInterpreter },
    ...own,
  ];
}

function when(wanted: boolean, choice: Choice): Choice[] {
  return wanted ? [choice] : [];
}
