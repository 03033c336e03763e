/** The Testing view: shows the server's tests, asks it for runs, and shows the runs that saves start. */
import * as vscode from "vscode";
import type { Client } from "./client";
import { toTestMessage } from "./convert";
import {
  command,
  method,
  type AffectedTests,
  type Failure,
  type Outcome,
  type TestModule,
  type TestModuleDelete,
  type TestRunCancel,
  type TestRunParams,
  type TestRunProgress,
  type TestRunResult,
} from "./protocol";
import { CoverageView } from "./coverage";
import { debugTests } from "./debugging";
import { Runs, type RunView } from "./runs";
import { TestTree } from "./testTree";

/** One server's tests in the Testing view; disposed with that server. */
export class TestExplorer implements vscode.Disposable {
  private readonly controller: vscode.TestController;
  private readonly tree: TestTree;
  private readonly runs = new Runs((tests) => this.openUnasked(tests));
  private readonly coverage: CoverageView;
  /** How many eyes are open. */
  private following = 0;

  /** @param number Tells this window's servers apart. */
  constructor(
    private readonly client: Client,
    private readonly folder: vscode.WorkspaceFolder,
    number: number,
  ) {
    const several = (vscode.workspace.workspaceFolders?.length ?? 0) > 1;
    const label = several ? `Aftershock: ${folder.name}` : "Aftershock";
    this.controller = vscode.tests.createTestController(`aftershock.${number}`, label);
    this.tree = new TestTree(this.controller, folder.uri);
    this.controller.createRunProfile(
      "Run",
      vscode.TestRunProfileKind.Run,
      (request, token) =>
        request.continuous === true ? this.follow(token) : this.run(request, token, method.testRun),
      true,
      undefined,
      true,
    );
    const measuring = this.controller.createRunProfile(
      "Run with Coverage",
      vscode.TestRunProfileKind.Coverage,
      (request, token) => this.run(request, token, method.coverageRun),
      true,
    );
    this.coverage = new CoverageView(client, this.tree, measuring);
    this.controller.createRunProfile("Debug", vscode.TestRunProfileKind.Debug, (request) =>
      this.debug(request),
    );
    client.onNotification(method.testModule, (module: TestModule) => {
      this.tree.module(module);
    });
    client.onNotification(method.testModuleDelete, (module: TestModuleDelete) => {
      this.tree.remove(module);
    });
    client.onNotification(method.affectedTests, (affected: AffectedTests) => {
      this.tree.showAffected(affected, (test) => this.runs.holds(test));
    });
    client.onNotification(method.testRunProgress, (progress: TestRunProgress) => {
      this.runs.step(progress);
    });
  }

  /** Ends what the view still shows as running: the server that ran it is gone. */
  serverGone(): void {
    this.runs.close();
    this.coverage.serverGone();
  }

  dispose(): void {
    this.runs.close();
    this.controller.dispose();
  }

  /** Has saves run what they affect, whatever was set, as long as the view's eye is open. */
  private async follow(token: vscode.CancellationToken): Promise<void> {
    this.following += 1;
    token.onCancellationRequested(() => {
      this.following -= 1;
      if (this.following === 0) {
        // Without a server there is nothing to pause.
        this.client.execute(command.pause, []).catch(() => undefined);
      }
    });
    await this.client.execute(command.resume, []);
  }

  /** @param how The request that starts the run. */
  private async run(
    request: vscode.TestRunRequest,
    token: vscode.CancellationToken,
    how: typeof method.testRun | typeof method.coverageRun,
  ): Promise<void> {
    const all = request.include === undefined && (request.exclude ?? []).length === 0;
    const tests = all ? null : this.asked(request);
    const params: TestRunParams = { tests };
    const shown = this.controller.createTestRun(request);
    const ask = async (): Promise<number> => {
      const answer = await this.client.sendRequest<TestRunResult>(how, params);
      return answer.run;
    };
    const run = await this.runs.ask(this.view(shown), ask).catch(tell);
    if (run === undefined) {
      return;
    }
    if (how === method.coverageRun) {
      this.coverage.began(run, shown);
    }
    const cancel = (): void => {
      const cancelled: TestRunCancel = { run };
      void this.client.sendNotification(method.testRunCancel, cancelled);
    };
    if (token.isCancellationRequested) {
      cancel();
    } else {
      token.onCancellationRequested(cancel);
    }
  }

  /** Debugs tests in a fresh process, whose verdict is for the eye alone. */
  private async debug(request: vscode.TestRunRequest): Promise<void> {
    const run = this.controller.createTestRun(request);
    try {
      const ask = (name: string, args: unknown[]): Promise<unknown> => this.client.execute(name, args);
      await debugTests(this.asked(request), ask, this.folder);
    } finally {
      run.end();
    }
  }

  private asked(request: vscode.TestRunRequest): string[] {
    const left = new Set(this.tree.leaves(request.exclude ?? []));
    const items = request.include ?? [...this.controller.items].map(([, item]) => item);
    return this.tree.leaves(items).filter((id) => !left.has(id));
  }

  /** The view of a run that a save or a command started: it keeps the user's focus where it is. */
  private openUnasked(tests: string[]): RunView {
    const items = tests.map((id) => this.tree.item(id)).filter((item) => item !== undefined);
    const request = new vscode.TestRunRequest(items, undefined, undefined, false, true);
    return this.view(this.controller.createTestRun(request, undefined, false));
  }

  private view(run: vscode.TestRun): RunView {
    const on = (id: string, act: (item: vscode.TestItem) => void): void => {
      const item = this.tree.item(id);
      if (item !== undefined) {
        act(item);
      }
    };
    return {
      enqueued: (id) => {
        on(id, (item) => {
          run.enqueued(item);
        });
      },
      started: (id) => {
        on(id, (item) => {
          run.started(item);
        });
      },
      finished: (id, outcome, seconds, failure) => {
        on(id, (item) => {
          finish(run, item, outcome, seconds, failure);
        });
      },
      output: (text, id) => {
        // A terminal starts a line at the left only after a carriage return.
        const item = id === undefined ? undefined : this.tree.item(id);
        run.appendOutput(text.replace(/\r?\n/g, "\r\n"), undefined, item);
      },
      end: () => {
        run.end();
      },
    };
  }
}

/** Says in the server's own words why a run could not be started; the editor would call it an error of its own. */
function tell(refusal: unknown): undefined {
  void vscode.window.showWarningMessage(refusal instanceof Error ? refusal.message : String(refusal));
}

function finish(
  run: vscode.TestRun,
  item: vscode.TestItem,
  outcome: Outcome,
  seconds: number | undefined,
  failure: Failure | undefined,
): void {
  const milliseconds = seconds === undefined ? undefined : seconds * 1000;
  const message = failure == null ? new vscode.TestMessage("No details.") : toTestMessage(failure);
  switch (outcome) {
    case "passed":
      run.passed(item, milliseconds);
      break;
    case "failed":
      run.failed(item, message, milliseconds);
      break;
    case "errored":
      run.errored(item, message, milliseconds);
      break;
    case "skipped":
      run.skipped(item);
      break;
  }
}
