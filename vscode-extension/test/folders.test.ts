/** Several folders in one window: who is asked, and what the one status item says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { command, type Status } from "../src/protocol";
import { servedBy } from "../src/routing";
import { merged } from "../src/statusMerging";

const shop = { root: "file:///home/me/shop" };
const inner = { root: "file:///home/me/shop/inner" };
const bank = { root: "file:///home/me/bank" };
const all = [shop, inner, bank];

const status = (state: Status["state"], tests: number, message = ""): Status => ({
  state,
  message,
  tests,
  affected: 1,
  failed: 0,
});

test("a run of all tests is for every folder", () => {
  assert.deepEqual(servedBy(all, command.runAll, [], "file:///home/me/bank/x.py"), all);
});

test("a symbol is asked for where its file is, the innermost folder first", () => {
  const symbol = { uri: "file:///home/me/shop/inner/x.py", qualname: "f" };
  assert.deepEqual(servedBy(all, command.showTestsForSymbol, [symbol], "file:///home/me/bank/x.py"), [inner]);
});

test("a test is asked for where the user is", () => {
  assert.deepEqual(servedBy(all, command.why, ["test_x.py::test_a"], "file:///home/me/bank/x.py"), [bank]);
  assert.deepEqual(servedBy(all, command.why, ["test_x.py::test_a"], "file:///home/me/bankrupt/x.py"), [
    shop,
  ]);
  assert.deepEqual(servedBy([], command.why, [], undefined), []);
});

test("the status is that of the folder which needs most attention, and counts add up", () => {
  const one = ["shop", status("ready", 2)] as const;
  const other = ["shop", status("failed", 3, "No Python.")] as const;
  assert.deepEqual(merged([one, other]), {
    state: "failed",
    message: "shop: No Python.",
    tests: 5,
    affected: 2,
    failed: 0,
  });
  assert.equal(merged([one]).tests, 2);
  assert.equal(merged([]).state, "stopped");
});
