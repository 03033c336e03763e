/** What the status item says, in few words. */
import type { Interpreter, State, Status } from "./protocol";

/** What there is to say: `text` for the item, with a codicon, and `detail` for its tooltip; both at less length. */
export interface StatusText {
  text: string;
  title: string;
  summary: string;
  detail: string;
  severity: "none" | "warning" | "error";
}

const titles: Record<State, string> = {
  starting: "Starting",
  ready: "Ready",
  building: "Learning what each test depends on",
  running: "Running tests",
  paused: "Paused: saves run nothing",
  failed: "Not working",
  stopped: "Stopped",
};

/** `1 test`, `2 tests`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The text for a state and its counts. */
export function statusText(status: Status): StatusText {
  const title = titles[status.state];
  const detail = [title, status.message, counts(status), warmth(status.interpreter)]
    .filter((line) => line !== "")
    .join("\n");
  const severity = status.state === "failed" ? "warning" : "none";
  return { text: words(status), title, summary: status.message || counts(status), detail, severity };
}

function counts(status: Status): string {
  if (status.tests === 0) {
    return "";
  }
  return `${counted(status.tests, "test")}, ${status.affected} affected, ${status.failed} failed`;
}

function warmth(interpreter: Interpreter | null | undefined): string {
  if (interpreter == null) {
    return "";
  }
  const { memory, sessions, patches, rebuilds, rebuilt } = interpreter;
  const size = memory == null ? "" : `${Math.round(memory / 1e6)} MB, `;
  const text = `Warm: ${size}${counted(sessions, "session")}, ${patches} patched, ${rebuilds} rebuilt`;
  return rebuilt === "" ? text : `${text}; the last because of ${rebuilt}`;
}

function words(status: Status): string {
  switch (status.state) {
    case "starting":
      return "$(sync~spin) Aftershock";
    case "building":
      return "$(sync~spin) building…";
    case "running":
      return "$(sync~spin) running…";
    case "paused":
      return "$(debug-pause) paused";
    case "failed":
      return "$(warning) Aftershock";
    case "stopped":
      return "$(circle-slash) Aftershock";
    case "ready":
      return readyWords(status);
  }
}

function readyWords({ tests, affected, failed }: Status): string {
  if (failed > 0) {
    return affected > 0 ? `$(error) ${failed} failed, ${affected} affected` : `$(error) ${failed} failed`;
  }
  return affected > 0 ? `$(circle-outline) ${affected} affected` : `$(check) ${counted(tests, "test")}`;
}
