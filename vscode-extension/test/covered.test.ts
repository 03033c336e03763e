import assert from "node:assert/strict";
import { test } from "node:test";
import { mostTests, statementsOf, testsOf } from "../src/covered";

const file = { uri: "file:///a.py", covered: 1, total: 2 };

test("a file's tests are unpacked from their rows", () => {
  const tests = ["a", "b", "c", "d", "e"];
  assert.deepEqual(testsOf({ ...file, ranges: [0, 0, 2, 4] }, tests), ["a", "c", "d", "e"]);
  assert.deepEqual(testsOf({ ...file, ranges: [] }, tests), []);
});

test("more tests than anybody picks from are not listed", () => {
  const tests = Array.from({ length: mostTests + 1 }, (_, number) => `test_${number}`);
  assert.equal(testsOf({ ...file, ranges: [0, mostTests - 1] }, tests).length, mostTests);
  assert.deepEqual(testsOf({ ...file, ranges: [0, 1, 3, mostTests + 1] }, tests), []);
});

test("a file's statements come from top to bottom", () => {
  assert.deepEqual(statementsOf({ covered: [0, 10], missing: [2] }), [
    { line: 0, executed: true },
    { line: 2, executed: false },
    { line: 10, executed: true },
  ]);
});
