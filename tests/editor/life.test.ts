/** The server's life as a user meets it: not before the folder is trusted, back after a crash. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { after, before } from "node:test";
import { CodeServer } from "./codeServer.ts";
import { ownPython, Project } from "./project.ts";
import { stepsOf } from "./steps.ts";
import { Workbench } from "./workbench.ts";

let server: CodeServer;
let project: Project;
let user: Workbench;

before(async () => {
  project = Project.write({
    "pyproject.toml": "[tool.pytest.ini_options]\n",
    "adding.py": "def add(one, other):\n    return one + other\n",
    "test_adding.py": "from adding import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
  });
  server = await CodeServer.start({ "aftershock.interpreter": [ownPython()] }, false);
  user = await Workbench.open(server.address, project.root);
});

after(async () => {
  await user.close();
  server.stop();
  project.remove();
});

const step = stepsOf(() => user);

/** The process ids of the servers that serve the project. */
function servers(): number[] {
  const root = realpathSync(project.root);
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => serves(name, root))
    .map(Number);
}

function serves(pid: string, root: string): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return command.includes("serve.py") && readlinkSync(`/proc/${pid}/cwd`) === root;
  } catch {
    return false; // it ended meanwhile, or is somebody else's
  }
}

step("nothing runs in a folder that is not trusted", async () => {
  await user.openFile("adding.py");
  await user.status.and(user.page.getByLabel(/not trusted/)).waitFor();
  assert.deepEqual(servers(), []);
});

step("trusting the folder starts the server", async () => {
  await user.command("Workspaces: Manage Workspace Trust");
  await user.page.locator(".workspace-trust-buttons-row .monaco-button").filter({ hasText: "Trust" }).first().click();
  const trusted = user.page.getByText("You trust this folder", { exact: true });
  await trusted.click();
  await user.page.keyboard.press("Escape");
  await trusted.waitFor({ state: "detached" });
  await user.answer(/test/, "Run All Tests");
  await user.openFile("adding.py");
  await user.seeLens(1, /^1 test ✓/);
});

/** The server ends and another one takes its place, ready with what was known before. */
async function seeRestart(): Promise<void> {
  await user.status.and(user.page.getByLabel(/Starting/)).waitFor();
  await user.status.and(user.page.getByLabel(/Ready/)).waitFor();
  await user.status.filter({ hasText: /^\s*1 test/ }).waitFor();
  await user.seeLens(1, /^1 test ✓/);
}

step("a server that is killed comes back, and knows what it knew", async () => {
  const [first = 0] = servers();
  assert.ok(first);
  process.kill(first, "SIGKILL");
  await seeRestart();
  assert.ok(!servers().includes(first));
});

step("the palette restarts the server", async () => {
  const before = servers();
  await user.command("Aftershock: Restart Server");
  await seeRestart();
  assert.equal(servers().length, 1);
  assert.notDeepEqual(servers(), before);
});
