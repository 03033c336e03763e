/** Finds the Python that runs the server.  No editor API here: values in, values out, and processes. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What `serve.py --probe` prints. */
export interface Probe {
  executable: string;
  version: [number, number, number];
  source: "environment" | "bundled";
}

/** An interpreter that can run the server, and how it was found. */
export interface Interpreter {
  argv: string[];
  probe: Probe;
}

/** The oldest Python that the server runs on. */
const oldest = [3, 10] as const;

/** A probe that takes longer than this many milliseconds counts as failed. */
const patience = 20_000;

/**
 * The commands to try, best first: the named one, the Python extension's choice, the workspace's own
 * environments, then what PATH has.
 */
export function candidates(
  named: readonly string[],
  selected: string | undefined,
  folder: string,
  platform: NodeJS.Platform = process.platform,
  exists: (path: string) => boolean = existsSync,
): string[][] {
  const inside = platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"];
  const local = [".venv", "venv"].map((name) => join(folder, name, ...inside)).filter(exists);
  const onPath = platform === "win32" ? ["python", "python3"] : ["python3", "python"];
  const all = [
    [...named],
    selected === undefined ? [] : [selected],
    ...[...local, ...onPath].map((one) => [one]),
  ];
  return all.filter((argv) => argv.length > 0);
}

/** Whether a version is one that the server runs on. */
export function modern(version: readonly number[]): boolean {
  const [major = 0, minor = 0] = version;
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
}

/**
 * The first candidate that is there and recent enough.
 *
 * @param script The path of `serve.py`.
 * @param say Told why each candidate before it was passed over.
 */
export async function chooseInterpreter(
  commands: readonly string[][],
  script: string,
  strategy: string,
  say: (line: string) => void,
): Promise<Interpreter | undefined> {
  for (const argv of commands) {
    try {
      const probe = await probeInterpreter(argv, script, strategy);
      if (modern(probe.version)) {
        return { argv, probe };
      }
      say(
        `${argv.join(" ")} is Python ${probe.version.join(".")}; the server needs ${oldest.join(".")} or later`,
      );
    } catch (error) {
      say(`${argv.join(" ")} does not run: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return undefined;
}

async function probeInterpreter(argv: readonly string[], script: string, strategy: string): Promise<Probe> {
  const [command = "", ...rest] = argv;
  const { stdout } = await run(command, [...rest, script, "--probe", strategy], { timeout: patience });
  try {
    return JSON.parse(stdout) as Probe;
  } catch {
    throw new Error(`unexpected answer ${JSON.stringify(stdout.slice(0, 200))}`);
  }
}
