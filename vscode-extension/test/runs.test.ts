import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestRunProgress } from "../src/protocol";
import { Outdated } from "../src/outdated";
import { Runs, type RunView } from "../src/runs";

/** A view that writes down what it is told, as a person would read it off the screen. */
class Screen implements RunView {
  readonly lines: string[] = [];
  enqueued(id: string): void {
    this.lines.push(`queued ${id}`);
  }
  started(id: string): void {
    this.lines.push(`started ${id}`);
  }
  finished(id: string, outcome: string, seconds?: number): void {
    this.lines.push(`${outcome} ${id} ${seconds ?? "?"}`);
  }
  output(text: string): void {
    this.lines.push(`printed ${text}`);
  }
  end(): void {
    this.lines.push("end");
  }
}

/** Runs whose unasked views are kept in order of opening. */
function shown(): { runs: Runs; screens: Screen[] } {
  const screens: Screen[] = [];
  const runs = new Runs(() => {
    const screen = new Screen();
    screens.push(screen);
    return screen;
  });
  return { runs, screens };
}

function steps(run: number, ...kinds: Partial<TestRunProgress>[]): TestRunProgress[] {
  return kinds.map((one) => ({ run, kind: "started", ...one }));
}

test("a save's run opens a view of its own and closes it", () => {
  const { runs, screens } = shown();
  const story = steps(
    7,
    { kind: "enqueued", tests: ["a", "b"] },
    { kind: "started", test: "a" },
    { kind: "passed", test: "a", duration: 0.5, output: "hello" },
    { kind: "end" },
  );
  for (const step of story) {
    runs.step(step);
  }
  assert.deepEqual(
    screens.map((screen) => screen.lines),
    [["queued a", "queued b", "started a", "printed hello", "passed a 0.5", "end"]],
  );
});

test("steps that overtake the answer to a request land in the view that asked", async () => {
  const { runs, screens } = shown();
  const mine = new Screen();
  const number = await runs.ask(mine, () => {
    for (const step of steps(3, { kind: "enqueued", tests: ["a"] }, { kind: "failed", test: "a" })) {
      runs.step(step);
    }
    return Promise.resolve(3);
  });
  assert.equal(number, 3);
  assert.deepEqual(mine.lines, ["queued a", "failed a ?"]);
  assert.equal(screens.length, 0);
});

test("a save's run that overtakes somebody else's request still gets its own view", async () => {
  const { runs, screens } = shown();
  const mine = new Screen();
  await runs.ask(mine, () => {
    for (const step of steps(8, { kind: "started", test: "b" })) {
      runs.step(step);
    }
    return Promise.resolve(3);
  });
  assert.deepEqual(mine.lines, []);
  assert.deepEqual(screens[0]?.lines, ["started b"]);
});

test("a run that restarts goes on in a new view", () => {
  const { runs, screens } = shown();
  const story = steps(
    1,
    { kind: "enqueued", tests: ["a"] },
    { kind: "restart", tests: ["b"] },
    { kind: "passed", test: "b", duration: 1 },
    { kind: "end" },
  );
  for (const step of story) {
    runs.step(step);
  }
  assert.deepEqual(
    screens.map((screen) => screen.lines),
    [
      ["queued a", "end"],
      ["queued b", "passed b 1", "end"],
    ],
  );
});

test("a request that is refused ends its view", async () => {
  const { runs } = shown();
  const mine = new Screen();
  await assert.rejects(runs.ask(mine, () => Promise.reject(new Error("no session"))));
  assert.deepEqual(mine.lines, ["end"]);
});

test("open runs end with their server", () => {
  const { runs, screens } = shown();
  for (const step of steps(1, { kind: "started", test: "a" })) {
    runs.step(step);
  }
  runs.close();
  assert.deepEqual(screens[0]?.lines, ["started a", "end"]);
});

test("a run holds its tests until it ends", () => {
  const { runs } = shown();
  const [enqueued, passed, end] = steps(
    1,
    { kind: "enqueued", tests: ["a", "b"] },
    { kind: "passed", test: "a" },
    { kind: "end" },
  );
  for (const step of [enqueued, passed]) {
    assert.ok(step);
    runs.step(step);
  }
  assert.deepEqual(
    ["a", "b", "c"].map((id) => runs.holds(id)),
    [true, true, false],
  );
  assert.ok(end);
  runs.step(end);
  assert.equal(runs.holds("b"), false);
});

test("results are out of date once, and not while a run is making new ones", () => {
  const outdated = new Outdated();
  const nothing = (): boolean => false;
  assert.deepEqual(
    outdated.show(new Set(["a", "b"]), (id) => id === "a"),
    ["b"],
  );
  assert.deepEqual(outdated.show(new Set(["a", "b"]), nothing), ["a"], "its run was cancelled");
  assert.deepEqual(outdated.show(new Set(["a", "b"]), nothing), []);
  assert.deepEqual(outdated.show(new Set(["b"]), nothing), []);
  assert.deepEqual(outdated.show(new Set(["a", "b"]), nothing), ["a"]);
});
