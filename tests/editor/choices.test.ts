/** What is the user's to choose: who shows the tests, what is asked again, when tests run, how failures are marked. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before } from "node:test";
import { join } from "node:path";
import { CodeServer } from "./codeServer.ts";
import { ownPython, Project } from "./project.ts";
import { stepsOf } from "./steps.ts";
import { Workbench } from "./workbench.ts";

const settings = { "python.testing.pytestEnabled": true, "aftershock.runMode": "onDemand" };

let server: CodeServer;
let project: Project;
let user: Workbench;

before(async () => {
  project = Project.write({
    ".vscode/settings.json": JSON.stringify(settings),
    "pyproject.toml": "[tool.pytest.ini_options]\n",
    "adding.py": "def add(one, other):\n    return one + other\n",
    "test_adding.py": "from adding import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
  });
  server = await CodeServer.start({ "aftershock.interpreter": [ownPython()] });
  user = await Workbench.open(server.address, project.root);
});

after(async () => {
  await user.close();
  server.stop();
  project.remove();
});

const step = stepsOf(() => user);

/** Goes to the end of what `add` returns. */
async function openSum(): Promise<void> {
  await user.openFile("adding.py", 2, "    return one + other".length + 1);
}

step("a question can be answered for good, and who shows the tests is asked once", async () => {
  await user.openFile("adding.py");
  await user.messages.filter({ hasText: "in the Testing view" }).waitFor();
  await user.messages.filter({ hasText: "no results yet" }).waitFor();
  await user.picture("questions");
  await user.answer(/no results yet/, "Don't Ask Again");
  await user.answer(/in the Testing view/, "Show Both");
  await user.command("Testing: Focus on Test Explorer View");
  await user.testRow(/^test_adding\.py/).waitFor();

  await user.command("Aftershock: Restart Server");
  await user.status.and(user.page.getByLabel(/Starting/)).waitFor();
  await user.status.and(user.page.getByLabel(/Ready/)).waitFor();
  assert.equal(await user.messages.count(), 0);
});

step("the language status tells the state beside what else there is to know of Python here", async () => {
  await user.languageStatus.hover();
  await user.page.getByText("Aftershock: Ready").waitFor();
  await user.page.getByText("1 test, 1 affected, 0 failed").waitFor();
});

step("with its eye open, the Testing view has saves run what they affect", async () => {
  await user.command("Aftershock: Run All Tests");
  await user.seeLens(1, /^1 test ✓/);
  await openSum();
  await user.type("0");
  await user.save();
  await user.seeLens(1, /^1 affected, not run/);
  await user.command("Test: Start Continuous Run");
  await user.type("0");
  await user.save();
  await user.seeLens(1, /^1 test, 1 failed/);
  await user.picture("eye");
  await user.command("Test: Stop Continuous Run");
  await user.status.filter({ hasText: /paused/ }).waitFor();
});

step("a failure is as severe as the user finds it", async () => {
  writeFileSync(
    join(project.root, ".vscode", "settings.json"),
    JSON.stringify({ ...settings, "aftershock.diagnostics.failures": "warning" }),
  );
  await user.page.locator(".squiggly-warning").first().waitFor();
});

step("a walkthrough leads through the first five minutes", async () => {
  await user.command("Welcome: Open Walkthrough");
  await user.quickRow("Get Started with Aftershock").click();
  await user.page.getByText("Run everything once").first().waitFor();
  await user.picture("walkthrough");
});
