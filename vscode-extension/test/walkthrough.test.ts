/** The walkthrough names what is there. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import manifest from "../package.json";

const extension = join(__dirname, "..", "..");
const steps = manifest.contributes.walkthroughs.flatMap((walkthrough) => walkthrough.steps);

test("each step has its page", () => {
  for (const { media } of steps) {
    assert.ok(existsSync(join(extension, media.markdown)), media.markdown);
  }
});

test("each command of ours that a step offers is contributed", () => {
  const known = new Set(manifest.contributes.commands.map(({ command }) => command));
  const offered = steps.flatMap(({ description }) => [...description.matchAll(/command:(aftershock\.\w+)/g)]);
  assert.ok(offered.length > 0);
  assert.deepEqual(
    offered.filter(([, name = ""]) => !known.has(name)),
    [],
  );
});
