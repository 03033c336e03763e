import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { candidates, chooseInterpreter, modern } from "../src/interpreter";

const script = resolve("python/serve.py");

const made: string[] = [];
after(() => {
  for (const folder of made) {
    rmSync(folder, { recursive: true });
  }
});

/** A folder that goes when the tests are over. */
function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "aftershock-"));
  made.push(folder);
  return folder;
}

test("the named interpreter comes first, then the selected one, then the workspace's own", () => {
  const found = candidates(["py", "-3.12"], "/envs/a/bin/python", "/project", "linux", (path) =>
    path.startsWith("/project/venv"),
  );
  assert.deepEqual(found, [
    ["py", "-3.12"],
    ["/envs/a/bin/python"],
    ["/project/venv/bin/python"],
    ["python3"],
    ["python"],
  ]);
});

test("the server needs Python 3.10", () => {
  assert.ok(modern([3, 10, 0]));
  assert.ok(modern([4, 0, 0]));
  assert.ok(!modern([3, 9, 18]));
});

test("an interpreter that is missing or too old is passed over, and the log says so", async () => {
  const folder = scratch();
  const old = join(folder, "python3.8");
  const answer = { executable: old, version: [3, 8, 1], source: "bundled" };
  writeFileSync(old, `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`);
  chmodSync(old, 0o755);
  const said: string[] = [];
  const chosen = await chooseInterpreter(
    [["/nowhere/python"], [old], ["python3"]],
    script,
    "useBundled",
    (line) => said.push(line),
  );
  assert.deepEqual(chosen?.argv, ["python3"]);
  assert.equal(chosen.probe.source, "bundled");
  assert.match(said[0] ?? "", /nowhere\/python does not run/);
  assert.match(said[1] ?? "", /Python 3\.8\.1; the server needs 3\.10/);
});

/** serve.py beside libs that hold an `aftershock` which reports how it was started. */
function bundledServer(): string {
  const folder = scratch();
  mkdirSync(join(folder, "libs", "aftershock"), { recursive: true });
  writeFileSync(join(folder, "libs", "aftershock", "__init__.py"), "");
  writeFileSync(
    join(folder, "libs", "aftershock", "__main__.py"),
    'import os, sys\nprint(sys.argv[1], os.environ.get("PYTHONPATH"), sys.path[0])\n',
  );
  cpSync(script, join(folder, "serve.py"));
  return folder;
}

test("the bundled server starts from its libs and leaves PYTHONPATH as the user has it", () => {
  const folder = bundledServer();
  const environment = { ...process.env };
  delete environment.PYTHONPATH;
  const told = execFileSync("python3", [join(folder, "serve.py"), "bundled"], {
    env: environment,
    encoding: "utf8",
  });
  assert.equal(told.trim(), `serve None ${join(folder, "libs")}`);
});

test("a module of the workspace cannot shadow the server's", () => {
  const folder = bundledServer();
  const workspace = scratch();
  writeFileSync(join(workspace, "runpy.py"), 'raise SystemExit("shadowed")\n');
  const told = execFileSync("python3", [join(folder, "serve.py"), "bundled"], {
    cwd: workspace,
    encoding: "utf8",
  });
  assert.match(told, /^serve /);
});

test("an environment without a server falls to the bundled one", () => {
  const told = execFileSync("python3", ["-S", script, "--probe", "fromEnvironment"], { encoding: "utf8" });
  assert.equal((JSON.parse(told) as { source: string }).source, "bundled");
});
