/** A copy of a real project, to edit. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { repository } from "./places.ts";

export class Project {
  readonly root: string;
  private readonly parent: string;

  private constructor(parent: string, root: string) {
    this.parent = parent;
    this.root = root;
  }

  /** Copies a release that `tests/projects` knows, with an environment of its own in `.venv`. */
  static copy(name: string): Project {
    const parent = mkdtempSync(join(tmpdir(), "aftershock-project-"));
    const root = join(parent, name);
    const python = ownPython();
    execFileSync(python, ["-m", "projects", name, "--copy", root], {
      env: { ...process.env, PYTHONPATH: join(repository, "tests") },
      stdio: ["ignore", "ignore", "inherit"],
    });
    return new Project(parent, root);
  }

  /** A project of a few files, given as path and text. */
  static write(files: Record<string, string>): Project {
    const parent = mkdtempSync(join(tmpdir(), "aftershock-project-"));
    const root = join(parent, "small");
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return new Project(parent, root);
  }

  /** The one-based line and column of a text that stands in a file once. */
  find(path: string, text: string): { line: number; column: number } {
    const content = readFileSync(join(this.root, path), "utf8");
    const at = content.indexOf(text);
    if (at < 0 || content.includes(text, at + 1)) {
      throw new Error(`${JSON.stringify(text)} does not stand in ${path} just once`);
    }
    const before = content.slice(0, at).split("\n");
    return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
  }

  remove(): void {
    rmSync(this.parent, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The interpreter of this repository's environment, which has pytest. */
export function ownPython(): string {
  const own = join(repository, ".venv", "bin", "python");
  return existsSync(own) ? own : "python3";
}
