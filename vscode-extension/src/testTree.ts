/** Mirrors the server's tests in the Testing view. */
import * as vscode from "vscode";
import { toRange } from "./convert";
import { Outdated } from "./outdated";
import type { AffectedTests, TestModule, TestModuleDelete, TestNode } from "./protocol";

/** The items of a controller, by node id. */
export class TestTree {
  private readonly items = new Map<string, vscode.TestItem>();
  private affected = new Set<string>();
  private readonly outdated = new Outdated();

  constructor(private readonly controller: vscode.TestController) {}

  /** The item of a node id, where the server has told of one. */
  item(id: string): vscode.TestItem | undefined {
    return this.items.get(id);
  }

  /** Shows a file's tests in place of those that it had. */
  module({ uri, tests }: TestModule): void {
    this.remove({ uri });
    const file = vscode.Uri.parse(uri);
    const item = this.controller.createTestItem(uri, vscode.workspace.asRelativePath(file, false), file);
    item.children.replace(tests.map((test) => this.make(test, file)));
    this.controller.items.add(item);
  }

  /** Takes a file's tests away. */
  remove({ uri }: TestModuleDelete): void {
    const old = this.controller.items.get(uri);
    if (old === undefined) {
      return;
    }
    visit(old, (item) => this.items.delete(item.id));
    this.controller.items.delete(uri);
  }

  /**
   * Marks the affected tests, whose last results then count as out of date.
   *
   * @param running Whether an open run holds a test, whose result the editor must not take for an old one.
   */
  showAffected({ tests }: AffectedTests, running: (test: string) => boolean): void {
    const now = new Set(tests.map((test) => test.id));
    for (const id of new Set([...this.affected, ...now])) {
      const item = this.items.get(id);
      if (item !== undefined) {
        item.description = describe(now.has(id));
      }
    }
    this.affected = now;
    const items = this.outdated.show(now, running).map((id) => this.items.get(id));
    const outdated = items.filter((item) => item !== undefined);
    if (outdated.length > 0) {
      this.controller.invalidateTestResults(outdated);
    }
  }

  /** The node ids of the tests in and below items. */
  leaves(items: Iterable<vscode.TestItem>): string[] {
    const found = new Set<string>();
    for (const top of items) {
      visit(top, (item) => {
        if (item.children.size === 0 && this.items.has(item.id)) {
          found.add(item.id);
        }
      });
    }
    return [...found];
  }

  private make(node: TestNode, file: vscode.Uri): vscode.TestItem {
    const item = this.controller.createTestItem(node.id, node.label, file);
    item.range = toRange(node.range);
    item.tags = node.tags.map((tag) => new vscode.TestTag(tag));
    item.description = describe(this.affected.has(node.id));
    item.children.replace(node.children.map((child) => this.make(child, file)));
    this.items.set(node.id, item);
    return item;
  }
}

function describe(affected: boolean): string {
  return affected ? "affected" : "";
}

function visit(item: vscode.TestItem, act: (item: vscode.TestItem) => void): void {
  act(item);
  item.children.forEach((child) => {
    visit(child, act);
  });
}
