/** Puts each step of a run into the right test run, whoever started it.  No editor API here. */
import type { Failure, Outcome, ProgressKind, TestRunProgress } from "./protocol";

/** A run as the editor shows it. */
export interface RunView {
  enqueued(test: string): void;
  started(test: string): void;
  /** @param seconds How long the test took, where known. */
  finished(test: string, outcome: Outcome, seconds?: number, failure?: Failure): void;
  output(text: string, test?: string): void;
  end(): void;
}

/**
 * The runs that are open.  A run that nobody here asked for (a save's) gets a view of its own, and so does the
 * second half of one that restarts.
 */
export class Runs {
  private readonly open = new Map<number, RunView>();
  private readonly held = new Map<number, Set<string>>();
  private asking = 0;
  private early: TestRunProgress[] = [];

  /** @param makeView Opens the view of a run that the editor did not ask for; `tests` are its first. */
  constructor(private readonly makeView: (tests: string[]) => RunView) {}

  /**
   * Asks for a run and shows it in `view`.  Steps that overtake the answer wait for it.
   *
   * @returns the run's number.
   */
  async ask(view: RunView, request: () => Promise<number>): Promise<number> {
    this.asking += 1;
    try {
      const run = await request();
      this.open.set(run, view);
      return run;
    } catch (error) {
      view.end();
      throw error;
    } finally {
      this.asking -= 1;
      this.replay();
    }
  }

  /** Whether a test belongs to a run that is open. */
  holds(test: string): boolean {
    return [...this.held.values()].some((tests) => tests.has(test));
  }

  /** Shows one step. */
  step(progress: TestRunProgress): void {
    if (this.asking > 0 && !this.open.has(progress.run)) {
      this.early.push(progress);
      return;
    }
    if (progress.kind === "end") {
      this.open.get(progress.run)?.end();
      this.open.delete(progress.run);
      this.held.delete(progress.run);
      return;
    }
    if (progress.kind === "restart") {
      this.open.get(progress.run)?.end();
      this.open.set(progress.run, this.makeView(progress.tests ?? []));
    }
    if (progress.tests) {
      this.held.set(progress.run, new Set(progress.tests));
    }
    show(this.view(progress), progress);
  }

  /** Ends every open run: the server is gone. */
  close(): void {
    for (const view of this.open.values()) {
      view.end();
    }
    this.open.clear();
    this.held.clear();
    this.early = [];
  }

  private view(progress: TestRunProgress): RunView {
    const known = this.open.get(progress.run);
    if (known !== undefined) {
      return known;
    }
    const view = this.makeView(progress.tests ?? []);
    this.open.set(progress.run, view);
    return view;
  }

  private replay(): void {
    const waiting = this.early;
    this.early = [];
    for (const progress of waiting) {
      this.step(progress);
    }
  }
}

function show(view: RunView, progress: TestRunProgress): void {
  const { kind, tests, test, duration, failure, output } = progress;
  for (const each of tests ?? []) {
    view.enqueued(each);
  }
  if (output) {
    view.output(output, test);
  }
  if (test !== undefined) {
    if (kind === "started") {
      view.started(test);
    } else if (isOutcome(kind)) {
      view.finished(test, kind, duration, failure);
    }
  }
}

function isOutcome(kind: ProgressKind): kind is Outcome {
  return kind === "passed" || kind === "failed" || kind === "errored" || kind === "skipped";
}
