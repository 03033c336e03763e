/** A VS Code workbench served on this machine, with the packaged extension installed. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { codeServer, extension, node } from "./places.ts";

/** What keeps the workbench quiet, small and the same in every run. */
const quiet = {
  "breadcrumbs.enabled": false,
  "chat.disableAIFeatures": true,
  "editor.minimap.enabled": false,
  "editor.stickyScroll.enabled": false,
  "extensions.ignoreRecommendations": true,
  "files.autoSave": "off",
  "files.exclude": { ".venv": true, "**/__pycache__": true, ".pytest_cache": true, ".aftershock": true },
  "git.enabled": false,
  "security.workspace.trust.banner": "never",
  "security.workspace.trust.startupPrompt": "never",
  "telemetry.telemetryLevel": "off",
  "window.commandCenter": false,
  "workbench.layoutControl.enabled": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
};

/** A running server: `address` opens a folder given as `?folder=`. */
export class CodeServer {
  readonly address: string;
  private readonly process: ChildProcess;
  private readonly scratch: string;

  private constructor(process: ChildProcess, scratch: string, address: string) {
    this.process = process;
    this.scratch = scratch;
    this.address = address;
  }

  /**
   * Starts a workbench with fresh user data.
   *
   * @param settings Of this machine, over the quiet ones.
   * @param trusting Whether every folder is trusted; otherwise none is until the user says so.
   */
  static async start(settings: Record<string, unknown> = {}, trusting = true): Promise<CodeServer> {
    const scratch = mkdtempSync(join(tmpdir(), "aftershock-workbench-"));
    const data = join(scratch, "data");
    for (const [scope, values] of Object.entries({ User: quiet, Machine: settings })) {
      mkdirSync(join(data, scope), { recursive: true });
      writeFileSync(join(data, scope, "settings.json"), JSON.stringify(values));
    }
    const folders = ["--user-data-dir", data, "--extensions-dir", join(scratch, "extensions")];
    const config = ["--config", join(scratch, "config.yaml")];
    // No gallery: the workbench would ask an outside one for updates.
    const env = { ...process.env, HOME: scratch, EXTENSIONS_GALLERY: "{}" };
    execFileSync(node, [codeServer, ...folders, ...config, "--install-extension", extension], {
      env,
      stdio: "pipe",
    });
    const server = spawn(node, [codeServer, ...folders, ...config, ...flags, ...(trusting ? [trust] : [])], {
      env,
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      return new CodeServer(server, scratch, await listening(server));
    } catch (error) {
      server.kill("SIGKILL");
      throw error;
    }
  }

  /** Ends the server with all that it started, and removes its data. */
  stop(): void {
    if (this.process.pid !== undefined && this.process.exitCode === null) {
      process.kill(-this.process.pid, "SIGKILL");
    }
    rmSync(this.scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

const flags = [
  ...["--bind-addr", "127.0.0.1:0", "--auth", "none", "--disable-telemetry", "--disable-update-check"],
  ...["--disable-getting-started-override", "--disable-proxy"],
  // Extension hosts would outlive the browser by hours.
  ...["--ignore-last-opened", "--reconnection-grace-time", "5"],
];

const trust = "--disable-workspace-trust";

/** The address that the server says it listens on. */
async function listening(server: ChildProcess): Promise<string> {
  if (server.stdout === null) {
    throw new Error("the workbench has no output");
  }
  const lines: string[] = [];
  for await (const line of createInterface(server.stdout)) {
    lines.push(line);
    const [, address] = /listening on (http:\S+)/.exec(line) ?? [];
    if (address !== undefined) {
      server.stdout.resume();
      return address.replace(/\/$/, "");
    }
  }
  throw new Error(`the workbench did not start:\n${lines.join("\n")}`);
}
