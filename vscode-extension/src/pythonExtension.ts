/** The part of ms-python.python's public API that is used here. */
import * as vscode from "vscode";

interface PythonApi {
  environments: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { path: string };
    resolveEnvironment(path: {
      path: string;
    }): Promise<{ executable: { uri: vscode.Uri | undefined } } | undefined>;
    onDidChangeActiveEnvironmentPath: vscode.Event<unknown>;
  };
}

const id = "ms-python.python";

async function api(): Promise<PythonApi | undefined> {
  const extension = vscode.extensions.getExtension<PythonApi>(id);
  return extension === undefined ? undefined : extension.activate();
}

/** The executable of the environment selected for a folder, or undefined where nothing tells. */
export async function selectedInterpreter(folder: vscode.WorkspaceFolder): Promise<string | undefined> {
  const python = await api();
  if (python === undefined) {
    return undefined;
  }
  const active = python.environments.getActiveEnvironmentPath(folder.uri);
  const environment = await python.environments.resolveEnvironment(active);
  return environment?.executable.uri?.fsPath;
}

/** Calls `changed` whenever another environment is selected. */
export async function onSelection(changed: () => void): Promise<vscode.Disposable> {
  const python = await api();
  return (
    python?.environments.onDidChangeActiveEnvironmentPath(changed) ?? new vscode.Disposable(() => undefined)
  );
}
