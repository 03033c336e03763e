/** The status item: what Aftershock is doing, and the way to its commands. */
import * as vscode from "vscode";
import { command, ownCommand, type Status } from "./protocol";
import { merged, stopped } from "./statusMerging";
import { counted, statusText, type StatusText } from "./statusText";

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
  private readonly language = vscode.languages.createLanguageStatusItem("aftershock.status", {
    language: "python",
  });
  private readonly folders = new Map<number, { name: string; status: Status; serving: boolean }>();
  private status = stopped;

  constructor() {
    this.item.name = "Aftershock";
    this.item.command = ownCommand.showMenu;
    this.language.name = "Aftershock";
    this.language.command = { title: "Commands", command: ownCommand.showMenu };
  }

  /**
   * Shows what a folder's server says of itself, or what there is to say of it.
   *
   * @param folder Tells the folders apart, two of one name among them.
   * @param serving Whether there is a server, which commands can be sent to.
   */
  show(folder: number, name: string, status: Status, serving: boolean): void {
    this.folders.set(folder, { name, status, serving });
    this.update();
  }

  /** A folder is gone. */
  forget(folder: number): void {
    this.folders.delete(folder);
    this.update();
  }

  private update(): void {
    if (this.folders.size === 0) {
      this.item.hide();
      return;
    }
    const status = merged([...this.folders.values()].map((each) => [each.name, each.status] as const));
    this.status = status;
    const shown = statusText(status);
    const { text, detail, severity } = shown;
    this.item.text = text;
    this.item.tooltip = `Aftershock\n${detail}`;
    this.item.backgroundColor = backgrounds[severity];
    this.item.accessibilityInformation = { label: `Aftershock: ${detail.replaceAll("\n", ", ")}` };
    this.item.show();
    this.showInLanguage(shown);
    const serving = [...this.folders.values()].some((each) => each.serving);
    void vscode.commands.executeCommand("setContext", "aftershock.serving", serving);
    void vscode.commands.executeCommand("setContext", "aftershock.paused", status.state === "paused");
  }

  /** Offers what can be done now, and does it. */
  async menu(): Promise<void> {
    const { text, detail } = statusText(this.status);
    // What failed has nothing to do; the other folders' servers have.
    const able = [...this.folders.values()].filter((each) => each.serving && each.status.state !== "failed");
    const status = merged(able.map((each) => [each.name, each.status] as const));
    const picked = await vscode.window.showQuickPick(choices(status), {
      title: `Aftershock: ${withoutIcons(text)}`,
      placeHolder: detail.split("\n")[0] ?? "",
    });
    if (picked !== undefined) {
      await vscode.commands.executeCommand(picked.command);
    }
  }

  dispose(): void {
    this.item.dispose();
    this.language.dispose();
  }

  /** The same, beside what else there is to know of a Python file. */
  private showInLanguage({ text, title, summary, severity }: StatusText): void {
    this.language.text = `Aftershock: ${title}`;
    this.language.detail = summary;
    this.language.busy = text.includes("~spin");
    this.language.severity =
      severity === "none" ? vscode.LanguageStatusSeverity.Information : vscode.LanguageStatusSeverity.Warning;
  }
}

function withoutIcons(text: string): string {
  return text.replace(/\$\([^)]*\) ?/g, "");
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
