/** Coverage as a user meets it: all tests, one of them, one line; and the tests of a marker. */
import assert from "node:assert/strict";
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
    "pyproject.toml": "[tool.pytest.ini_options]\nmarkers = ['loyal']\n",
    "pricing.py": [
      "def price(amount, member):",
      "    if amount < 0:",
      '        raise ValueError("nobody is paid for shopping")',
      "    if member:",
      "        return amount * 9 // 10",
      "    return amount",
      "",
    ].join("\n"),
    "test_pricing.py": [
      "import pytest",
      "from pricing import price",
      "",
      "",
      "def test_guest():",
      "    assert price(100, member=False) == 100",
      "",
      "",
      "@pytest.mark.loyal",
      "def test_member():",
      "    assert price(100, member=True) == 90",
      "",
    ].join("\n"),
  });
  server = await CodeServer.start({ "aftershock.interpreter": [ownPython()], "aftershock.initialBuild": "auto" });
  user = await Workbench.open(server.address, project.root);
});

after(async () => {
  await user.close();
  server.stop();
  project.remove();
});

const step = stepsOf(() => user);

/** Waits until just these lines are marked as executed, and just those as not executed. */
async function seeLines(hit: string[], miss: string[]): Promise<void> {
  await user.page.waitForFunction(
    (marked) =>
      Object.entries(marked).every(([mark, lines]) => {
        const found = [...document.querySelectorAll(`.line-numbers.coverage-deco-${mark}`)];
        return found.map((one) => one.textContent).join() === lines.join();
      }),
    { hit, miss },
  );
}

step("running all tests with coverage marks the lines that none of them executes", async () => {
  await user.openFile("pricing.py");
  await user.seeLens(1, /^2 tests ✓/);
  await user.command("Test: Run All Tests with Coverage");
  await seeLines(["1", "2", "4", "5", "6"], ["3"]);
  await user.command("Testing: Focus on Test Coverage View");
  const file = user.page.locator(".monaco-list-row").and(user.page.getByLabel(/^pricing\.py coverage/));
  await file.filter({ hasText: "83.33%" }).waitFor();
  await user.picture("coverage");
});

step("the editor shows what one of the tests executes", async () => {
  await user.page.locator(".editor-actions").getByLabel("Filter Coverage to Test").click();
  await user.quickRow("test_guest").click();
  await seeLines(["2", "4", "6"], []);
  await user.picture("coverage-of-a-test");
});

step("a line tells the tests that execute it", async () => {
  await user.openFile("pricing.py", 5);
  await user.command("Aftershock: Show Tests That Execute This Line");
  await user.quickRow("test_member").waitFor();
  assert.equal(await user.quickRow("test_guest").count(), 0);
  await user.picture("tests-of-a-line");
  await user.page.keyboard.press("Escape");
});

step("the Testing view filters by markers", async () => {
  await user.command("Testing: Focus on Test Explorer View");
  const file = user.testRow(/^test_pricing\.py/);
  await file.click();
  await user.page.keyboard.press("ArrowRight");
  await user.testRow(/^test_guest/).waitFor();
  await user.page.locator(".testing-filter-wrapper").click();
  await user.page.keyboard.type("@aftershock.1:loyal");
  await user.testRow(/^test_guest/).waitFor({ state: "detached" });
  await user.testRow(/^test_member/).waitFor();
  await user.picture("filter");
});
