/** Runs one job at a time and keeps at most one more waiting: many wishes during a restart are one wish. */
export class Coalesced {
  private running: Promise<void> | undefined;
  private queued: Promise<void> | undefined;

  /** @param job What to do; a rejection reaches those who asked for that turn and no one else. */
  constructor(private readonly job: () => Promise<void>) {}

  /** Settles when a turn that began after this call has ended. */
  request(): Promise<void> {
    if (this.running === undefined) {
      return this.begin();
    }
    this.queued ??= this.running
      .catch(() => undefined)
      .then(() => {
        this.queued = undefined;
        return this.begin();
      });
    return this.queued;
  }

  private begin(): Promise<void> {
    const turn = this.job().finally(() => {
      if (this.running === turn) {
        this.running = undefined;
      }
    });
    this.running = turn;
    return turn;
  }
}
