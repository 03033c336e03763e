import assert from "node:assert/strict";
import { test } from "node:test";
import { Coalesced } from "../src/restarts";

interface Turn {
  promise: Promise<void>;
  resolve: () => void;
  reject: (reason: unknown) => void;
}

/** A job whose turns end when the test says so. */
function stepped(): { job: () => Promise<void>; turns: Turn[] } {
  const turns: Turn[] = [];
  const job = (): Promise<void> => {
    let resolve: () => void = () => undefined;
    let reject: (reason: unknown) => void = () => undefined;
    const promise = new Promise<void>((yes, no) => {
      resolve = yes;
      reject = no;
    });
    turns.push({ promise, resolve, reject });
    return promise;
  };
  return { job, turns };
}

test("three wishes during a restart are one more restart", async () => {
  const { job, turns } = stepped();
  const restarts = new Coalesced(job);
  const first = restarts.request();
  const others = [restarts.request(), restarts.request(), restarts.request()];
  assert.equal(turns.length, 1);
  turns[0]?.resolve();
  await first;
  await Promise.resolve();
  turns[1]?.resolve();
  await Promise.all(others);
  assert.equal(turns.length, 2);
});

test("a restart that fails does not keep the next one from happening", async () => {
  const { job, turns } = stepped();
  const restarts = new Coalesced(job);
  const first = restarts.request();
  const second = restarts.request();
  turns[0]?.reject(new Error("no Python"));
  await assert.rejects(first, /no Python/);
  await Promise.resolve();
  turns[1]?.resolve();
  await second;
  assert.equal(turns.length, 2);
});

test("a wish after everything has ended begins at once", async () => {
  const { job, turns } = stepped();
  const restarts = new Coalesced(job);
  const first = restarts.request();
  turns[0]?.resolve();
  await first;
  void restarts.request();
  assert.equal(turns.length, 2);
});
