/** Which of several servers a command is for.  No editor API here. */
import { command, type SymbolReference } from "./protocol";

/** The commands that are for all servers. */
const everywhere: ReadonlySet<string> = new Set([
  command.runAffected,
  command.runAll,
  command.runFailed,
  command.cancel,
  command.pause,
  command.resume,
  command.rebuild,
  command.restartInterpreter,
]);

/** What is known of a server: the URI of its folder. */
export interface Served {
  root: string;
}

/**
 * Picks the servers that a command is for: all, the one whose folder holds what its argument names, or the one of
 * the file that the user is in.
 *
 * @param active The URI of the file in the active editor, where there is one.
 */
export function servedBy<T extends Served>(
  servers: readonly T[],
  name: string,
  args: readonly unknown[],
  active: string | undefined,
): T[] {
  if (everywhere.has(name)) {
    return [...servers];
  }
  const uri = uriOf(args[0]) ?? active;
  const holding = servers.filter(({ root }) => uri?.startsWith(`${root}/`) === true);
  holding.sort((one, other) => other.root.length - one.root.length);
  return (holding.length > 0 ? holding : servers).slice(0, 1);
}

/** Whether an argument names a symbol, as those of lenses do. */
export function isReference(value: unknown): value is SymbolReference {
  return typeof value === "object" && value !== null && "uri" in value && "qualname" in value;
}

function uriOf(value: unknown): string | undefined {
  if (isReference(value)) {
    return value.uri;
  }
  return typeof value === "string" && value.startsWith("file:") ? value : undefined;
}
