/** The question who shows the tests, where the Python extension fills the Testing view already. */
import * as vscode from "vscode";
import { leftToPython } from "./settings";

const both = "Show Both";
const asItIs = "Keep as It Is";

/**
 * Asks once for each folder, however it is answered; the setting can be changed at any time.
 *
 * @param remembered Outlasts the window.
 */
export async function askAboutTestingView(
  folder: vscode.WorkspaceFolder,
  remembered: vscode.Memento,
): Promise<void> {
  const asked = `askedAboutTestingView ${folder.uri.toString()}`;
  if (!leftToPython(folder) || remembered.get<boolean>(asked, false)) {
    return;
  }
  await remembered.update(asked, true);
  const answer = await vscode.window.showInformationMessage(
    `The Python extension shows the tests of ${folder.name} in the Testing view. Shall Aftershock show them there too?`,
    both,
    asItIs,
  );
  if (answer === both) {
    const settings = vscode.workspace.getConfiguration("aftershock", folder);
    await settings.update("testExplorer", "on", vscode.ConfigurationTarget.WorkspaceFolder);
  }
}
