/** How one test of a symbol looks in a list. */
import type { LineTests, SymbolTest } from "./protocol";

const icons = {
  passed: "$(pass)",
  failed: "$(error)",
  errored: "$(error)",
  skipped: "$(debug-step-over)",
} as const;

/** A list row: the verdict's icon and the test's name, then its id. */
export function symbolTestLabel(test: SymbolTest): { label: string; description: string } {
  const icon = test.affected ? "$(circle-outline)" : test.outcome ? icons[test.outcome] : "$(question)";
  const [file = ""] = test.id.split("::");
  return { label: `${icon} ${test.label}`, description: test.affected ? `${file} · affected` : file };
}

/** A line that was (`- `) or is (`+ `), or a remark on such lines, as a row of a list. */
export function changedLine(line: string): string {
  // What looks like an icon of VS Code's is text here.
  const text = line.replaceAll("$(", "\\$(");
  return text.replace(/^- /, "$(diff-removed) ").replace(/^\+ /, "$(diff-added) ");
}

/** What the list of a line's tests is of. */
export function lineTestsTitle({ measured, tests }: LineTests): string {
  if (measured) {
    return tests.length > 0
      ? "Tests that execute this line"
      : "No test of the coverage run executes this line";
  }
  return "Tests that reach this function; a run with coverage tells lines apart";
}

/** Keys in the order that a reader looks for them: code first, what must not exist last. */
export function readable(keys: readonly string[]): string[] {
  const order = [
    "body",
    "def",
    "import",
    "collect",
    "file",
    "dir",
    "env",
    "dist",
    "config",
    "world",
    "absent",
  ];
  const rank = (key: string): number => order.indexOf(key.split(" ")[0] ?? "");
  return [...keys].sort((one, other) => rank(one) - rank(other));
}
