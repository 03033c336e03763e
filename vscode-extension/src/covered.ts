/** What a coverage run has found, made ready for the editor.  No editor API here. */
import type { CoverageDetails, CoveredFile } from "./protocol";

/** Of more tests than these nobody picks one from a list, and each would be sent with each file. */
export const mostTests = 1000;

/** The tests that executed something of a file, unless there are too many to pick from. */
export function testsOf({ ranges }: CoveredFile, tests: readonly string[]): string[] {
  const found: string[] = [];
  for (let at = 0; at + 1 < ranges.length; at += 2) {
    const [first = 0, last = 0] = ranges.slice(at, at + 2);
    if (found.length + last - first + 1 > mostTests) {
      return [];
    }
    found.push(...tests.slice(first, last + 1));
  }
  return found;
}

/** A statement by its first line (zero-based), and whether it was executed. */
export interface Statement {
  line: number;
  executed: boolean;
}

/** The statements of a file, from top to bottom. */
export function statementsOf({ covered, missing }: CoverageDetails): Statement[] {
  const statements = [
    ...covered.map((line) => ({ line, executed: true })),
    ...missing.map((line) => ({ line, executed: false })),
  ];
  return statements.sort((one, other) => one.line - other.line);
}
