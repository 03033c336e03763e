/** From the protocol's values to the editor's. */
import * as vscode from "vscode";
import type { Location, Range } from "vscode-languageclient";
import type { Failure } from "./protocol";

export function toRange(range: Range): vscode.Range {
  return new vscode.Range(range.start.line, range.start.character, range.end.line, range.end.character);
}

export function toLocation(location: Location): vscode.Location {
  return new vscode.Location(vscode.Uri.parse(location.uri), toRange(location.range));
}

/** A failure as the Testing view shows it: a diff where two values were compared, the place, the frames. */
export function toTestMessage(failure: Failure): vscode.TestMessage {
  const { expected, actual, location, frames } = failure;
  const message =
    expected != null && actual != null
      ? vscode.TestMessage.diff(failure.message, expected, actual)
      : new vscode.TestMessage(failure.message);
  if (location != null) {
    message.location = toLocation(location);
  }
  // The editor wants the innermost frame first.
  message.stackTrace = [...frames].reverse().map((frame) => {
    const { uri, range } = toLocation(frame.location);
    return new vscode.TestMessageStackFrame(frame.name, uri, range.start);
  });
  return message;
}
