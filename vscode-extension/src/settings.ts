/** Reads `aftershock.*` for a workspace folder. */
import * as vscode from "vscode";
import manifest from "../package.json";
import { nested } from "./nesting";
import type { Settings } from "./protocol";

export type ImportStrategy = "fromEnvironment" | "useBundled";

const section = "aftershock";

/** The contributed names without their prefix, but for the client's own. */
const serverNames = Object.keys(manifest.contributes.configuration.properties)
  .map((name) => name.slice(section.length + 1))
  .filter((name) => name !== "trace.server" && name !== "enable" && name !== "importStrategy");

export function enabled(folder: vscode.WorkspaceFolder): boolean {
  return vscode.workspace.getConfiguration(section, folder).get<boolean>("enable", true);
}

export function importStrategy(folder: vscode.WorkspaceFolder): ImportStrategy {
  return vscode.workspace
    .getConfiguration(section, folder)
    .get<ImportStrategy>("importStrategy", "fromEnvironment");
}

/** The interpreter that the user named; empty where none. */
export function namedInterpreter(folder: vscode.WorkspaceFolder): string[] {
  return vscode.workspace.getConfiguration(section, folder).get<string[]>("interpreter", []);
}

/** Whether the Testing view is ours to fill. */
export function testExplorer(folder: vscode.WorkspaceFolder): boolean {
  return testExplorerWish(folder) !== "off" && !leftToPython(folder);
}

/** Whether the Testing view is left to the Python extension, which fills it already. */
export function leftToPython(folder: vscode.WorkspaceFolder): boolean {
  const python = vscode.workspace.getConfiguration("python", folder);
  return testExplorerWish(folder) === "auto" && python.get<boolean>("testing.pytestEnabled", false);
}

function testExplorerWish(folder: vscode.WorkspaceFolder): string {
  return vscode.workspace.getConfiguration(section, folder).get<string>("testExplorer", "auto");
}

/**
 * The settings that the user set, nested. Defaults are left out, so that the project's own
 * `[tool.aftershock]` counts where the editor's user has said nothing.
 */
export function serverSettings(folder: vscode.WorkspaceFolder): Settings {
  const configuration = vscode.workspace.getConfiguration(section, folder);
  return nested(serverNames, (name) => {
    const found = configuration.inspect(name);
    return found?.workspaceFolderValue ?? found?.workspaceValue ?? found?.globalValue;
  });
}
