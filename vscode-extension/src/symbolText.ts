/** How one test of a symbol looks in a list. */
import type { SymbolTest } from "./protocol";

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
