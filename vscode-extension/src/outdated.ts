/** Knows which tests' last results count as out of date.  No editor API here. */
export class Outdated {
  private readonly known = new Set<string>();

  /**
   * Takes in the affected tests.
   *
   * @param running Whether an open run holds a test: its result is, or will be, that of the present.
   * @returns the tests whose results have become out of date.
   */
  show(affected: ReadonlySet<string>, running: (test: string) => boolean): string[] {
    for (const test of this.known) {
      if (!affected.has(test) || running(test)) {
        this.known.delete(test);
      }
    }
    const fresh = [...affected].filter((test) => !this.known.has(test) && !running(test));
    for (const test of fresh) {
      this.known.add(test);
    }
    return fresh;
  }
}
