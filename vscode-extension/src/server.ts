/** The server's life: started, restarted when something that matters changed, stopped. */
import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  RevealOutputChannelOn,
  State,
  TransportKind,
  type CloseHandlerResult,
  type LanguageClientOptions,
} from "vscode-languageclient/node";
import { Client } from "./client";
import { resolveLaunch, type Launch } from "./launch";
import { method, type Status } from "./protocol";
import { Coalesced } from "./restarts";
import { enabled } from "./settings";
import type { StatusItem } from "./statusItem";
import { stopped } from "./statusMerging";
import { TestExplorer } from "./testExplorer";
import { askAboutTestingView } from "./testingViewQuestion";
import { TimelinePanel } from "./timeline";

/** A server that dies this often within `crashWindow` milliseconds stays down. */
const crashLimit = 4;
const crashWindow = 180_000;

interface Serving {
  launch: Launch;
  client: Client;
  explorer: TestExplorer | undefined;
}

/** The server of one workspace folder. */
export class Server implements vscode.Disposable {
  private serving: Serving | undefined;
  private force = false;
  private gone = false;
  private readonly refreshes = new Coalesced(() => this.refreshNow());
  readonly timeline: TimelinePanel;

  /** @param number Tells this window's servers apart. */
  constructor(
    private readonly context: vscode.ExtensionContext,
    readonly folder: vscode.WorkspaceFolder,
    private readonly log: vscode.LogOutputChannel,
    private readonly item: StatusItem,
    private readonly number: number,
  ) {
    this.timeline = new TimelinePanel(folder, (name, args) => this.ask(name, args));
  }

  /** The URI of the folder. */
  get root(): string {
    return this.folder.uri.toString();
  }

  /** Whether there is a server to ask. */
  get isServing(): boolean {
    return this.serving?.client.state === State.Running;
  }

  /** Has the server do a command, and waits for its answer. */
  async execute(command: string, args: readonly unknown[]): Promise<unknown> {
    return this.serving?.client.execute(command, args);
  }

  /** Starts, stops or restarts, as the settings now ask; leaves a server alone that would be started the same. */
  refresh(): Promise<void> {
    return this.refreshes.request();
  }

  /** Restarts even an unchanged server. */
  restart(): Promise<void> {
    this.force = true;
    return this.refresh();
  }

  /** Ends the server, one that is being started too; what it says of its end is forgotten. */
  dispose(): void {
    this.gone = true;
    this.timeline.dispose();
    void this.refresh().finally(() => {
      this.item.forget(this.number);
    });
  }

  /** Ends the server and waits until it is gone. */
  async stop(): Promise<void> {
    const { serving } = this;
    this.serving = undefined;
    if (serving === undefined) {
      return;
    }
    serving.explorer?.dispose();
    try {
      await serving.client.dispose();
    } catch (error) {
      // A server that has crashed or hangs cannot be shut down politely; its process is ended all the same.
      this.log.warn(`Stopping the server: ${String(error)}`);
    }
  }

  private async refreshNow(): Promise<void> {
    const force = this.force;
    this.force = false;
    if (this.isGone()) {
      await this.stop();
      return;
    }
    if (!vscode.workspace.isTrusted) {
      this.showOwn("stopped", "This workspace is not trusted, so its code is not run.");
      return;
    }
    if (!enabled(this.folder)) {
      await this.stop();
      this.showOwn("stopped", "Disabled by the setting aftershock.enable.");
      return;
    }
    const launch = await resolveLaunch(this.context, this.folder, this.log);
    if (this.isGone()) {
      return;
    }
    if (launch === undefined) {
      await this.stop();
      this.showOwn("failed", "No Python 3.10 or later was found. The log tells where it was looked for.");
      return;
    }
    if (force || JSON.stringify(launch) !== JSON.stringify(this.serving?.launch)) {
      await this.stop();
      await this.start(launch);
    }
  }

  /** A call, for the compiler takes a field to stay what it was across an await. */
  private isGone(): boolean {
    return this.gone;
  }

  private async start(launch: Launch): Promise<void> {
    this.showOwn("starting", "");
    const client = this.makeClient(launch);
    client.onNotification(method.status, (status: Status) => {
      this.item.show(this.number, this.folder.name, status, true);
      this.timeline.serverIs(status.state);
    });
    const explorer = launch.options.testExplorer
      ? new TestExplorer(client, this.folder, this.number)
      : undefined;
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Stopped) {
        explorer?.serverGone();
      }
    });
    this.serving = { launch, client, explorer };
    try {
      await client.start();
    } catch (error) {
      this.log.error(`The server did not start: ${String(error)}`);
      await this.stop();
      this.showOwn("failed", "The server did not start. The log tells why.");
      return;
    }
    askAboutTestingView(this.folder, this.context.workspaceState).catch((error: unknown) => {
      this.log.error(`The question who shows the tests: ${String(error)}`);
      void vscode.window.showErrorMessage(
        "The setting aftershock.testExplorer could not be changed. Set it in the settings; the log tells why.",
      );
    });
  }

  private showOwn(state: "starting" | "failed" | "stopped", message: string): void {
    this.item.show(this.number, this.folder.name, { ...stopped, state, message }, false);
  }

  private makeClient(launch: Launch): Client {
    const crashes: number[] = [];
    const options: LanguageClientOptions = {
      documentSelector: [{ scheme: "file", language: "python", pattern: `${this.folder.uri.fsPath}/**/*` }],
      workspaceFolder: this.folder,
      initializationOptions: launch.options,
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => this.closed(crashes),
      },
    };
    const { command, args, cwd } = launch;
    const executable = { command, args, options: { cwd }, transport: TransportKind.stdio };
    return new Client("aftershock", "Aftershock", executable, options);
  }

  /** Asks the server for the timeline; undefined where it has no answer, which the log tells. */
  private async ask(name: string, args: unknown[]): Promise<unknown> {
    try {
      return await this.execute(name, args);
    } catch (error) {
      this.log.warn(`${name}: ${String(error)}`);
      return undefined;
    }
  }

  /** Starts a server that died again, unless it keeps dying; says so in the status item and nowhere else. */
  private closed(crashes: number[]): CloseHandlerResult {
    const now = Date.now();
    crashes.push(now);
    const recent = crashes.filter((at) => now - at < crashWindow);
    if (recent.length < crashLimit) {
      this.log.error("The server ended unexpectedly; starting it again.");
      this.showOwn("starting", "The server ended unexpectedly.");
      return { action: CloseAction.Restart, handled: true };
    }
    this.log.error(`The server ended ${crashLimit} times; it stays down until it is restarted.`);
    this.showOwn("failed", "The server keeps ending. The log tells why.");
    return { action: CloseAction.DoNotRestart, handled: true };
  }
}
