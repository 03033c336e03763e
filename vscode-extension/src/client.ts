/** The client of one server: the library's, but that it registers no commands. */
import { LanguageClient, type DynamicFeature, type StaticFeature } from "vscode-languageclient/node";

const executeCommand = "workspace/executeCommand";

/**
 * The library would register the server's commands with the editor, which takes each name once: a second folder's
 * server couldn't start.  `folders.ts` registers them, and asks the server that is meant.
 */
export class Client extends LanguageClient {
  override registerFeature(feature: StaticFeature | DynamicFeature<unknown>): void {
    if (!("registrationType" in feature) || feature.registrationType.method !== executeCommand) {
      super.registerFeature(feature);
    }
  }

  /** Has the server do a command, and waits for its answer. */
  execute(command: string, args: readonly unknown[]): Promise<unknown> {
    return this.sendRequest(executeCommand, { command, arguments: args });
  }
}
