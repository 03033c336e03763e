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

  /** @param root The folder that the tests are shown below. */
  constructor(
    private readonly controller: vscode.TestController,
    private readonly root: vscode.Uri,
  ) {}

  /** The item of a node id, where the server has told of one. */
  item(id: string): vscode.TestItem | undefined {
    return this.items.get(id);
  }

  /** Shows a file's tests in place of those that it had. */
  module({ uri, tests }: TestModule): void {
    const file = vscode.Uri.parse(uri);
    const siblings = this.folderOf(file)?.children ?? this.controller.items;
    const old = siblings.get(uri);
    if (old !== undefined) {
      this.forget(old);
    }
    const item = old ?? this.controller.createTestItem(uri, nameOf(file), file);
    item.children.replace(tests.map((test) => this.make(test, file)));
    siblings.add(item);
  }

  /** Takes a file's tests away, and the folders that hold no tests any more. */
  remove({ uri }: TestModuleDelete): void {
    let folder = this.folderOf(vscode.Uri.parse(uri));
    const old = (folder?.children ?? this.controller.items).get(uri);
    if (old === undefined) {
      return;
    }
    this.forget(old);
    (folder?.children ?? this.controller.items).delete(uri);
    while (folder?.children.size === 0) {
      const { parent, id } = folder;
      (parent?.children ?? this.controller.items).delete(id);
      folder = parent;
    }
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

  private forget(file: vscode.TestItem): void {
    visit(file, (item) => this.items.delete(item.id));
  }

  /** The item of the folder that a file is in, made where there is none; undefined for the root itself. */
  private folderOf(file: vscode.Uri): vscode.TestItem | undefined {
    const below = file.path.startsWith(`${this.root.path}/`)
      ? file.path.slice(this.root.path.length + 1)
      : "";
    let folder: vscode.TestItem | undefined;
    let place = this.root;
    for (const name of below.split("/").slice(0, -1)) {
      place = vscode.Uri.joinPath(place, name);
      const siblings: vscode.TestItemCollection = folder?.children ?? this.controller.items;
      const known = siblings.get(place.toString());
      folder = known ?? this.controller.createTestItem(place.toString(), name, place);
      if (known === undefined) {
        siblings.add(folder);
      }
    }
    return folder;
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

function nameOf(file: vscode.Uri): string {
  return file.path.slice(file.path.lastIndexOf("/") + 1);
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
