/** One status for several servers.  No editor API here. */
import type { State, Status } from "./protocol";

/** The state that counts first. */
const order: readonly State[] = ["failed", "building", "running", "starting", "paused", "ready", "stopped"];

/** Nothing to tell. */
export const stopped: Status = { state: "stopped", message: "", tests: 0, affected: 0, failed: 0 };

/** What several servers say, each with the name of its folder, as one: the gravest state, the counts added up. */
export function merged(all: readonly (readonly [string, Status])[]): Status {
  const [only] = all;
  if (only === undefined || all.length === 1) {
    return only?.[1] ?? stopped;
  }
  const state = order.find((one) => all.some(([, status]) => status.state === one)) ?? "stopped";
  const messages = all
    .filter(([, { message }]) => message !== "")
    .map(([name, { message }]) => `${name}: ${message}`);
  const sum = (count: (status: Status) => number): number =>
    all.reduce((total, [, status]) => total + count(status), 0);
  return {
    state,
    message: messages.join("\n"),
    tests: sum(({ tests }) => tests),
    affected: sum(({ affected }) => affected),
    failed: sum(({ failed }) => failed),
  };
}
