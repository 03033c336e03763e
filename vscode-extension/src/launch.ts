/** What a server would be started with: two equal launches need no restart. */
import * as vscode from "vscode";
import { candidates, chooseInterpreter } from "./interpreter";
import type { InitializationOptions } from "./protocol";
import { selectedInterpreter } from "./pythonExtension";
import { importStrategy, namedInterpreter, serverSettings, testExplorer } from "./settings";

/** A command and its first message; plain data, compared as JSON. */
export interface Launch {
  command: string;
  args: string[];
  cwd: string;
  options: InitializationOptions;
}

/**
 * Decides what to start for a folder.
 *
 * @returns undefined where no Python is fit; `log` then tells why.
 */
export async function resolveLaunch(
  context: vscode.ExtensionContext,
  folder: vscode.WorkspaceFolder,
  log: vscode.LogOutputChannel,
): Promise<Launch | undefined> {
  const named = namedInterpreter(folder);
  const selected = await selectedInterpreter(folder);
  const script = vscode.Uri.joinPath(context.extensionUri, "bundled", "serve.py").fsPath;
  const commands = candidates(named, selected, folder.uri.fsPath);
  const interpreter = await chooseInterpreter(commands, script, importStrategy(folder), (line) => {
    log.warn(line);
  });
  if (interpreter === undefined) {
    return undefined;
  }
  const { argv, probe } = interpreter;
  log.info(`Server: ${argv.join(" ")} (Python ${probe.version.join(".")}), ${probe.source} packages`);
  const settings = serverSettings(folder);
  if (named.length === 0 && selected !== undefined) {
    settings.interpreter = [selected];
  }
  const [command = "", ...rest] = argv;
  return {
    command,
    args: [...rest, script, probe.source],
    cwd: folder.uri.fsPath,
    options: { settings, testExplorer: testExplorer(folder), attachDebugger: true },
  };
}
