/** The main job in a real editor: open a project, break a function, see which tests say so, mend it. */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { CodeServer } from "./codeServer.ts";
import { Project } from "./project.ts";
import { stepsOf } from "./steps.ts";
import { Workbench } from "./workbench.ts";

const source = "src/marshmallow/validate.py";
/** An equals sign after this text, and lengths at the limit are refused. */
const comparison = "length > self.max:";
const beforeEdit = "length >";
/** `Length.__call__`, which holds that text. */
const head = "def __call__(self, value: _SizedT) -> _SizedT:";

let server: CodeServer;
let project: Project;
let user: Workbench;
let definition: number;
let place: { line: number; column: number };

before(async () => {
  project = Project.copy("marshmallow");
  definition = project.find(source, head).line;
  const { line, column } = project.find(source, comparison);
  place = { line, column: column + beforeEdit.length };
  server = await CodeServer.start();
  user = await Workbench.open(server.address, project.root);
});

after(async () => {
  await user.close();
  server.stop();
  project.remove();
});

const step = stepsOf(() => user);

step("the first build is asked for, and then every function tells its tests", async () => {
  await user.openFile(source, place.line, place.column);
  await user.answer(/tests/, "Run All Tests");
  await user.seeLens(definition, /^\d+ tests? ✓/);
  await user.status.filter({ hasText: /\d+ tests/ }).waitFor();
  await user.picture("lenses");
});

step("what an edit will affect shows before it is saved", async () => {
  await user.type("=");
  await user.seeLens(definition, /^\d+ affected when saved/);
  await user.picture("preview");
});

step("a save that breaks a function shows the failing tests beside it", async () => {
  await user.save();
  await user.seeLens(definition, /^\d+ tests?, \d+ failed/);
  await user.status.filter({ hasText: /\d+ failed/ }).waitFor();
  await user.page.locator(".squiggly-error").first().waitFor();
  await user.picture("failing");
});

step("nothing that a save shows takes the focus from the text", async () => {
  assert.deepEqual(await user.focus(), { tab: "validate.py", inEditor: true, panelOpen: false });
});

step("the lens opens the failing tests", async () => {
  await user.clickLens(definition);
  await user
    .quickRow(/test_length/)
    .first()
    .waitFor();
  await user.picture("tests-of-a-function");
  await user.page.keyboard.press("Escape");
});

step("the failures are problems, at their lines", async () => {
  await user.page.keyboard.press("Control+Shift+M");
  await user
    .problem(/Length must be between/)
    .first()
    .waitFor();
  await user.picture("problems");
});

step("from a failure in the code one goes to the test that fails", async () => {
  await user.openFile(source, place.line + 2, 20);
  await user.quickFix("Go to the failing line of test_length");
  await user.page.locator('.tab.active[data-resource-name="test_validate.py"]').waitFor();
});

step("a test tells what its verdict depends on", async () => {
  await user.openFile(source, place.line, place.column);
  await user.command("Aftershock: Explain Why a Test Is Affected");
  await user.quickRow("test_length_max").first().click();
  await user.quickRow("body src/marshmallow/").first().waitFor();
  await user.page.keyboard.press("Escape");
});

step("the palette runs what failed", async () => {
  await user.seeStatusPass(/running/, () => user.command("Aftershock: Run Failed Tests"));
  await user.status.filter({ hasText: /2 failed/ }).waitFor();
});

step("taking the edit back clears them", async () => {
  await user.openFile(source, place.line, place.column);
  await user.undo();
  await user.save();
  await user.seeLens(definition, /^\d+ tests? ✓/);
  await user
    .problem(/Length must be between/)
    .first()
    .waitFor({ state: "detached" });
  await user.page.locator(".squiggly-error").first().waitFor({ state: "detached" });
  await user.page.keyboard.press("Control+J");
});

step("a syntax error is told at its line, and goes with it", async () => {
  await user.openFile(source, place.line, place.column);
  await user.type("!");
  await user.save();
  await user.page.locator(".squiggly-error").first().waitFor();
  await user.undo();
  await user.save();
  await user.page.locator(".squiggly-error").first().waitFor({ state: "detached" });
  await user.status.filter({ hasText: /^\s*\d+ tests/ }).waitFor();
});

step("while paused, a save shows what it affects and runs nothing", async () => {
  await user.command("Aftershock: Pause Runs on Save");
  await user.status.filter({ hasText: /paused/ }).waitFor();
  await user.openFile(source, place.line, place.column);
  // Another body with the same meaning, which no verdict in memory answers for.
  await user.type("+");
  await user.save();
  await user.seeLens(definition, /^\d+ affected, not run/);
  await user.picture("affected");
  await user.command("Aftershock: Explain Why a Test Is Affected");
  await user.quickRow("test_length_max").first().click();
  await user.quickRow("body of Length.__call__ changed").waitFor();
  await user.quickRow("if self.max is not None and length >+ self.max:").waitFor();
  await user.picture("why");
  await user.page.keyboard.press("Escape");
  await user.command("Aftershock: Resume Runs on Save");
  await user.seeLens(definition, /^\d+ tests? ✓/);
  await user.undo();
  await user.save();
});

step("the Testing view lists the tests and runs those that are picked", async () => {
  await user.command("Testing: Focus on Test Explorer View");
  await user.testRow(/^tests /).click();
  await user.page.keyboard.press("ArrowRight");
  const file = user.testRow(/^test_exceptions\.py/);
  await file.click();
  await user.seeStatusPass(/running/, () => file.getByLabel(/^Run Test(?! with)/).click());
  await user.status.filter({ hasText: /^\s*\d+ tests/ }).waitFor();
  await user.testRow(/^test_exceptions\.py.*\(Passed\)/).waitFor();
  await user.page.keyboard.press("ArrowRight");
  await user.testRow(/^TestValidationError.*\(Passed\)/).waitFor();
  await user.seeLens(definition, /^\d+ tests? ✓/);
  // The results that a run from this view brings up.
  await user.page.keyboard.press("Control+J");
  await user.picture("testing-view");
});

step("the timeline shows the last run beside the text, and opens a test", async () => {
  await user.openFile(source, place.line, place.column);
  await user.seeStatusPass(/running/, () => user.command("Aftershock: Run All Tests"));
  await user.status.filter({ hasText: /^\s*\d+ tests/ }).waitFor();
  await user.page.keyboard.press("Control+B");
  await user.command("Aftershock: Show Timeline of the Last Run");
  await user.timeline.getByText("Run on request").waitFor();
  await user.timeline.getByRole("row", { name: "Worker 1" }).waitFor();
  assert.ok((await user.focus()).inEditor);
  await user.picture("timeline");

  const first = user.timeline.getByRole("gridcell").first();
  await first.focus();
  await user.page.keyboard.press("ArrowRight");
  const second = user.timeline.locator(".mark:focus");
  const test = (await second.getAttribute("data-test")) ?? "";
  assert.notEqual(test, await first.getAttribute("data-test"));
  await user.page.keyboard.press("Enter");
  const file = test.split("::")[0]?.split("/").at(-1) ?? "";
  await user.page.locator(`.tab.active[data-resource-name="${file}"]`).waitFor();
  assert.ok((await user.focus()).inEditor);
});

step("the timeline follows the runs, and leaves the focus where it is", async () => {
  await user.page.locator('.tab[data-resource-name="validate.py"]').click();
  // Another wrong body, which no verdict in memory answers for.
  await user.type("-");
  await user.save();
  await user.timeline.getByText("Run on save").waitFor();
  await user.timeline.getByText(/passed, \d+ failed$/).waitFor();
  assert.deepEqual(await user.focus(), { tab: "validate.py", inEditor: true, panelOpen: false });
  await user.undo();
  await user.save();
  await user.seeLens(definition, /^\d+ tests? ✓/);
});

step("each command is in the palette", async () => {
  const titles = ["Run Affected Tests", "Run All Tests", "Run Failed Tests", "Rebuild the Database"];
  for (const title of [...titles, "Restart Interpreter", "Restart Server", "Show Log"]) {
    await user.searchCommand(`Aftershock: ${title}`);
    await user.quickRow(`Aftershock: ${title}`).first().waitFor();
    await user.page.keyboard.press("Escape");
  }
});

step("the status item offers what can be done", async () => {
  await user.status.click();
  await user.quickRow(/Run all \d+ tests/).waitFor();
  await user.picture("status-menu");
  await user.page.keyboard.press("Escape");
});
