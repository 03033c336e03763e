/** One status for several servers.  No editor API here. */
import type { State, Status } from "./protocol";

/** The state that counts first. */
const order: readonly State[] = ["failed", "building", "running", "starting", "paused", "ready", "stopped"];

/** Nothing to tell. */
export const stopped: Status = { state: "stopped", message: "", tests: 0, affected: 0, failed: 0 };

/**
 * What several servers say, as one: the state that needs most attention, the counts added up.
 *
 * @param statuses By the name of the folder.
 */
export function merged(statuses: ReadonlyMap<string, Status>): Status {
  const all = [...statuses];
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
