/** Two folders in one window: each has its own server, and one status item speaks for both. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before } from "node:test";
import { join } from "node:path";
import { CodeServer } from "./codeServer.ts";
import { ownPython, Project } from "./project.ts";
import { stepsOf } from "./steps.ts";
import { Workbench } from "./workbench.ts";

const workspace = "both.code-workspace";

/** The text of a workspace with these folders. */
function workspaceOf(...paths: string[]): string {
  const settings = { "aftershock.initialBuild": "auto" };
  return JSON.stringify({ folders: paths.map((path) => ({ path })), settings });
}

let server: CodeServer;
let project: Project;
let user: Workbench;

before(async () => {
  project = Project.write({
    [workspace]: workspaceOf("shop", "bank"),
    "shop/pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['.']\n",
    "shop/prices.py": "def net(gross):\n    return gross - 1\n",
    "shop/tests/test_prices.py": "from prices import net\n\n\ndef test_net():\n    assert net(2) == 1\n",
    "bank/pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['.']\n",
    "bank/rates.py": "def rate():\n    return 3\n",
    "bank/test_rates.py":
      "from rates import rate\n\n\ndef test_rate():\n    assert rate() == 3\n\n\ndef test_type():\n    assert rate()\n",
  });
  server = await CodeServer.start({ "aftershock.interpreter": [ownPython()] });
  user = await Workbench.open(server.address, join(project.root, workspace));
});

after(async () => {
  await user.close();
  server.stop();
  project.remove();
});

const step = stepsOf(() => user);

step("both folders are built, and the status item counts the tests of both", async () => {
  await user.openFile("rates.py");
  await user.status.filter({ hasText: /^\s*3 tests/ }).waitFor();
  await user.seeLens(1, /^2 tests ✓/);
});

step("a save in one folder fails there alone", async () => {
  await user.openFile("rates.py", 2, "    return 3".length + 1);
  await user.type("3");
  await user.save();
  await user.seeLens(1, /^2 tests, 1 failed/);
  await user.status.filter({ hasText: /1 failed/ }).waitFor();
  await user.openFile("prices.py");
  await user.seeLens(1, /^1 test ✓/);
});

step("a lens asks the server of its folder", async () => {
  await user.clickLens(1);
  await user.quickRow("test_net").first().waitFor();
  assert.equal(await user.quickRow("test_rate").count(), 0);
  await user.page.keyboard.press("Escape");
});

step("the Testing view has a tree of each, by folder", async () => {
  await user.command("Testing: Focus on Test Explorer View");
  await user.testRow(/^Aftershock: shop/).waitFor();
  await user.testRow(/^Aftershock: bank/).waitFor();
  await user.picture("two-folders");
});

step("the palette runs the failed tests of all", async () => {
  await user.openFile("prices.py");
  await user.seeStatusPass(/running/, () => user.command("Aftershock: Run Failed Tests"));
  await user.status.filter({ hasText: /1 failed/ }).waitFor();
});

step("a folder that is removed takes its tests and failures with it", async () => {
  writeFileSync(join(project.root, workspace), workspaceOf("shop"));
  await user.status.filter({ hasText: /^\s*1 test$/ }).waitFor();
  await user.openFile("prices.py");
  await user.seeLens(1, /^1 test ✓/);
});
