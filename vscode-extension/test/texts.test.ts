import assert from "node:assert/strict";
import { test } from "node:test";
import manifest from "../package.json";
import { nested } from "../src/nesting";
import { command, ownCommand, type Status } from "../src/protocol";
import { statusText } from "../src/statusText";
import { changedLine, lineTestsTitle, readable, symbolTestLabel } from "../src/symbolText";

const quiet: Status = { state: "ready", message: "", tests: 1192, affected: 0, failed: 0 };
const nowhere = {
  uri: "file:///t.py",
  range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } },
};

test("the status item says the most pressing thing", () => {
  assert.equal(statusText(quiet).text, "$(check) 1192 tests");
  assert.equal(statusText({ ...quiet, tests: 1 }).text, "$(check) 1 test");
  assert.equal(statusText({ ...quiet, affected: 5 }).text, "$(circle-outline) 5 affected");
  assert.equal(statusText({ ...quiet, failed: 3 }).text, "$(error) 3 failed");
  assert.equal(statusText({ ...quiet, failed: 3, affected: 2 }).text, "$(error) 3 failed, 2 affected");
  assert.equal(statusText({ ...quiet, state: "running" }).text, "$(sync~spin) running…");
});

test("a failing test is not painted as a broken tool", () => {
  assert.equal(statusText({ ...quiet, failed: 3 }).severity, "none");
  assert.equal(statusText({ ...quiet, state: "failed" }).severity, "warning");
});

test("the tooltip tells the state, the server's sentence and the counts", () => {
  const { detail } = statusText({ ...quiet, message: "Warm on Python 3.13.", affected: 2 });
  assert.equal(detail, "Ready\nWarm on Python 3.13.\n1192 tests, 2 affected, 0 failed");
});

test("dotted settings nest, and unset ones stay out", () => {
  const values: Record<string, unknown> = { runMode: "onSave", "diagnostics.failures": false };
  const settings = nested(["runMode", "preview", "diagnostics.failures"], (name) => values[name]);
  assert.deepEqual(settings, { runMode: "onSave", diagnostics: { failures: false } });
});

test("a listed test shows its verdict, or that it has none that counts", () => {
  const one = { id: "tests/t.py::test_a", label: "test_a", location: nowhere, affected: false };
  assert.deepEqual(symbolTestLabel({ ...one, outcome: "failed" }), {
    label: "$(error) test_a",
    description: "tests/t.py",
  });
  assert.deepEqual(symbolTestLabel({ ...one, outcome: "passed", affected: true }), {
    label: "$(circle-outline) test_a",
    description: "tests/t.py · affected",
  });
});

test("every command has a palette entry, but for those that only a click leads to", () => {
  const titled = new Set(manifest.contributes.commands.map((one) => one.command));
  const named = [...Object.values(command), ...Object.values(ownCommand)];
  assert.deepEqual(
    named.filter((name) => !titled.has(name)),
    [command.runTests, command.openLocation, command.locateTest, ownCommand.showMenu],
  );
});

test("settings that name what is executed count in trusted workspaces alone", () => {
  const { restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
  const known = Object.keys(manifest.contributes.configuration.properties);
  assert.deepEqual(
    restrictedConfigurations.filter((name) => !known.includes(name)),
    [],
  );
  assert.ok(restrictedConfigurations.includes("aftershock.interpreter"));
});

test("a test's inputs are listed with its code first and what must not exist last", () => {
  assert.deepEqual(readable(["absent a.py", "def b.py::B", "body b.py::f", "env HOME"]), [
    "body b.py::f",
    "def b.py::B",
    "env HOME",
    "absent a.py",
  ]);
});

test("the tooltip tells how the warm interpreter is", () => {
  const interpreter = { pid: 7, since: 0, sessions: 2, patches: 5, rebuilds: 1, rebuilt: "a.py: N changed" };
  const { detail } = statusText({ ...quiet, interpreter: { ...interpreter, memory: 45_400_000 } });
  const last = detail.split("\n").at(-1);
  assert.equal(last, "Warm: 45 MB, 2 sessions, 5 patched, 1 rebuilt; the last because of a.py: N changed");
});

test("a line's list says whether its tests execute the line or only reach the function", () => {
  const tests = [{ id: "t.py::t", label: "t", location: nowhere, affected: false }];
  assert.equal(lineTestsTitle({ tests, measured: true }), "Tests that execute this line");
  assert.match(lineTestsTitle({ tests: [], measured: true }), /^No test/);
  assert.match(lineTestsTitle({ tests, measured: false }), /reach this function/);
});

test("lines that were and are have the icons of a diff", () => {
  assert.equal(changedLine("- return - 1"), "$(diff-removed) return - 1");
  assert.equal(changedLine("+ return + 1"), "$(diff-added) return + 1");
  assert.equal(changedLine('- text = "$(star)"'), '$(diff-removed) text = "\\$(star)"');
  assert.equal(changedLine("… and 3 lines more"), "… and 3 lines more");
});
