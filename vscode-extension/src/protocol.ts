/**
 * The messages between this extension and the server that LSP itself does not have, each defined once.
 * The server's twin is `server/aftershock/lsp/protocol.py`; `docs/protocol.md` explains them.
 * Positions are LSP's: zero-based, columns in UTF-16 code units.
 */
import type { Location, Range } from "vscode-languageclient";

/** The settings as DESIGN nests them: `aftershock.diagnostics.failures` is `settings.diagnostics.failures`. */
export type Settings = Record<string, unknown>;

/** What the client tells the server at its start. */
export interface InitializationOptions {
  settings: Settings;
  /** Whether the client shows tests, and so wants them told. */
  testExplorer: boolean;
  /** Whether the client attaches to a debugged test by itself; others are told where it waits. */
  attachDebugger: boolean;
}

export type State = "starting" | "ready" | "building" | "running" | "paused" | "failed" | "stopped";

/** The warm interpreter. */
export interface Interpreter {
  pid: number;
  /** Seconds since the epoch. */
  since: number;
  sessions: number;
  /** Files brought up to date in place. */
  patches: number;
  /** Sessions made because that couldn't be done. */
  rebuilds: number;
  /** Why the last rebuild was needed, or empty. */
  rebuilt: string;
  /** Bytes of its processes together. */
  memory?: number | null;
  /** Why tests run in its own process and not in forks, or empty. */
  unforked?: string;
}

/** `aftershock/status`: the state moved, or its counts did. */
export interface Status {
  state: State;
  /** One sentence for people, maybe empty. */
  message: string;
  tests: number;
  affected: number;
  failed: number;
  interpreter?: Interpreter | null;
}

/** A test, or what holds tests. A leaf's id is a pytest node id, an inner node's a prefix of one. */
export interface TestNode {
  id: string;
  label: string;
  range: Range;
  tags: string[];
  children: TestNode[];
}

/** `aftershock/testModule`: all the tests of a file now; replaces what was told of it before. */
export interface TestModule {
  uri: string;
  tests: TestNode[];
}

/** `aftershock/testModuleDelete`: the file holds no tests any more. */
export interface TestModuleDelete {
  uri: string;
}

export interface AffectedTest {
  id: string;
  reasons: string[];
}

/** `aftershock/affectedTests`: the whole affected set; `restored` became fresh again without a run. */
export interface AffectedTests {
  tests: AffectedTest[];
  restored: string[];
}

export interface Frame {
  name: string;
  location: Location;
}

export interface Failure {
  message: string;
  expected?: string;
  actual?: string;
  location?: Location;
  /** Outermost first. */
  frames: Frame[];
}

export type ProgressKind =
  "enqueued" | "started" | "passed" | "failed" | "errored" | "skipped" | "output" | "restart" | "end";

/** `aftershock/testRunProgress`: one step of a run, asked for or started by a save. */
export interface TestRunProgress {
  run: number;
  kind: ProgressKind;
  /** With `enqueued`. */
  tests?: string[];
  test?: string;
  /** Seconds. */
  duration?: number;
  failure?: Failure;
  output?: string;
}

/** `aftershock/testRun` and `aftershock/coverageRun`, requests: run these, or all of them. */
export interface TestRunParams {
  tests: string[] | null;
}

export interface TestRunResult {
  run: number;
}

/** `aftershock/testRunCancel`: finish the test in flight and stop; a second one kills. */
export interface TestRunCancel {
  run: number;
}

/** A file of `aftershock/coverage`: how many of its statements were executed. */
export interface CoveredFile {
  uri: string;
  covered: number;
  total: number;
  /** The tests that executed any, as places in `Coverage.tests`: first and last of each unbroken row. */
  ranges: number[];
}

/** `aftershock/coverage`: what a run that `aftershock/coverageRun` started has found, right before its end. */
export interface Coverage {
  run: number;
  tests: string[];
  files: CoveredFile[];
}

/** `aftershock/coverageDetails`, a request: the lines of a file; with `test` those that it executed. */
export interface CoverageDetailsParams {
  run: number;
  uri: string;
  test?: string;
}

/** First lines of statements. */
export interface CoverageDetails {
  covered: number[];
  /** Never executed; empty in the answer for one test. */
  missing: number[];
}

export type Outcome = "passed" | "failed" | "errored" | "skipped";

/** One test of `aftershock.showTestsForSymbol`'s answer. */
export interface SymbolTest {
  id: string;
  label: string;
  location: Location;
  outcome?: Outcome | null;
  affected: boolean;
}

/** The answer of `aftershock.showTestsForSymbol`, failed and affected tests first. */
export interface SymbolTests {
  tests: SymbolTest[];
}

/** The answer of `aftershock.showTestsForLine`. */
export interface LineTests extends SymbolTests {
  /** These tests execute the line, as a coverage run has shown; else they reach its function. */
  measured: boolean;
}

/** The argument of `aftershock.showTestsForLine`. */
export interface LineReference {
  uri: string;
  line: number;
}

/** The argument of `aftershock.showTestsForSymbol` and `aftershock.runTestsForSymbol`. */
export interface SymbolReference {
  uri: string;
  qualname: string;
}

/** One cause in words, and the lines of the source that were (`- `) and are (`+ `), where these are known. */
export interface WhyReason {
  text: string;
  lines: string[];
}

/** The answer of `aftershock.why`. */
export interface Explanation {
  test: string;
  affected: boolean;
  reasons: WhyReason[];
  inputs: string[];
}

/** The answer of `aftershock.showTimeline`: a page that is whole by itself. */
export interface Timeline {
  html: string;
}

/** The answer of `aftershock.locateTest`. */
export interface TestPlace {
  location: Location;
}

/** The answer of `aftershock.debugTest`: where a debugger attaches. */
export interface DebugAddress {
  host: string;
  port: number;
}

/** Methods, named once. */
export const method = {
  status: "aftershock/status",
  testModule: "aftershock/testModule",
  testModuleDelete: "aftershock/testModuleDelete",
  affectedTests: "aftershock/affectedTests",
  testRun: "aftershock/testRun",
  testRunCancel: "aftershock/testRunCancel",
  testRunProgress: "aftershock/testRunProgress",
  coverageRun: "aftershock/coverageRun",
  coverage: "aftershock/coverage",
  coverageDetails: "aftershock/coverageDetails",
} as const;

/** The server's commands, which the client library registers while a server is there. */
export const command = {
  runAffected: "aftershock.runAffected",
  runAll: "aftershock.runAll",
  runFailed: "aftershock.runFailed",
  runTests: "aftershock.runTests",
  openLocation: "aftershock.openLocation",
  runTestsForSymbol: "aftershock.runTestsForSymbol",
  showTestsForSymbol: "aftershock.showTestsForSymbol",
  showTestsForLine: "aftershock.showTestsForLine",
  debugTest: "aftershock.debugTest",
  why: "aftershock.why",
  showTimeline: "aftershock.showTimeline",
  locateTest: "aftershock.locateTest",
  cancel: "aftershock.cancel",
  pause: "aftershock.pause",
  resume: "aftershock.resume",
  rebuild: "aftershock.rebuild",
  restartInterpreter: "aftershock.restartInterpreter",
} as const;

/** The commands of the extension itself, which work without a server too. */
export const ownCommand = {
  restartServer: "aftershock.restartServer",
  showLog: "aftershock.showLog",
  showMenu: "aftershock.showMenu",
} as const;
