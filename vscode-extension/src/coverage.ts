/** Coverage in the editor: totals when a run ends, lines when somebody looks at them, of all tests or of one. */
import * as vscode from "vscode";
import type { Client } from "./client";
import { statementsOf, testsOf } from "./covered";
import { method, type Coverage, type CoverageDetails, type CoverageDetailsParams } from "./protocol";
import type { TestTree } from "./testTree";

/** What one server has measured. */
export class CoverageView {
  private readonly runs = new Map<vscode.TestRun, number>();

  /** @param profile Its runs are measured. */
  constructor(
    private readonly client: Client,
    private readonly tree: TestTree,
    profile: vscode.TestRunProfile,
  ) {
    profile.loadDetailedCoverage = (run, { uri }) => this.details(run, uri);
    profile.loadDetailedCoverageForTest = (run, { uri }, test) => this.details(run, uri, test.id);
    client.onNotification(method.coverage, (coverage: Coverage) => {
      this.show(coverage);
    });
  }

  /** A run has begun, under a number of the server's; what it finds belongs to `shown`. */
  began(run: number, shown: vscode.TestRun): void {
    this.runs.set(shown, run);
    shown.onDidDispose(() => this.runs.delete(shown));
  }

  /** The server is gone, and what it knew: another one begins to count anew. */
  serverGone(): void {
    this.runs.clear();
  }

  private show({ run, tests, files }: Coverage): void {
    const [shown] = [...this.runs].find(([, number]) => number === run) ?? [];
    for (const file of files) {
      const items = testsOf(file, tests).map((id) => this.tree.item(id));
      shown?.addCoverage(
        new vscode.FileCoverage(
          vscode.Uri.parse(file.uri),
          new vscode.TestCoverageCount(file.covered, file.total),
          undefined,
          undefined,
          items.filter((item) => item !== undefined),
        ),
      );
    }
  }

  private async details(
    shown: vscode.TestRun,
    uri: vscode.Uri,
    test?: string,
  ): Promise<vscode.FileCoverageDetail[]> {
    const run = this.runs.get(shown);
    if (run === undefined) {
      return [];
    }
    const asked: CoverageDetailsParams = {
      run,
      uri: uri.toString(),
      ...(test === undefined ? {} : { test }),
    };
    const found = await this.client.sendRequest<CoverageDetails>(method.coverageDetails, asked);
    return statementsOf(found).map(
      ({ line, executed }) => new vscode.StatementCoverage(executed, new vscode.Position(line, 0)),
    );
  }
}
