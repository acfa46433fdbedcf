/**
 * A client's home: the endpoint that it begins with, and goes back to.
 *
 * Away from it, the client looks from time to time whether it answers again, and goes back when it does: a server that was
 * restarted gets its clients back, and not the one beside it all of them. One that fails again soon after a return is
 * looked for less and less often. Looks are spread at random, so that clients that were driven out together don't come back
 * in step.
 *
 * Limit: an idle client, without calls and subscriptions, looks at nothing before its next call.
 */

/** The longest mean pause between looks, in milliseconds; and how long a return must last to count as one. */
const PROBE_PAUSE_MS_MAX = 60_000;

/** What is needed of the world. */
export interface ProbeHooks {
  /** Resolves if the home answers, and rejects if it does not. */
  readonly probe: () => Promise<unknown>;
  /** Makes the home the endpoint that is called. */
  readonly goBack: () => void;
  /** Milliseconds, of any beginning. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** When a client goes back. */
export class PreferredEndpoint {
  /** How often it has gone back. What is under way elsewhere sees by it that it should follow. */
  returns = 0;
  #returnedAt = Number.NEGATIVE_INFINITY;
  #pauseMs: number;
  #probeAt = 0;
  #probing = false;

  /** @param returnAfterMs The mean pause before a look; 0: there are none. */
  constructor(
    private readonly returnAfterMs: number,
    private readonly hooks: ProbeHooks,
  ) {
    this.#pauseMs = returnAfterMs;
  }

  /** The client has left it, because it failed. */
  failed(): void {
    const lasted = this.hooks.now() - this.#returnedAt;
    this.#pauseMs =
      lasted < PROBE_PAUSE_MS_MAX ? Math.min(this.#pauseMs * 2, PROBE_PAUSE_MS_MAX) : this.returnAfterMs;
    this.#scheduleProbe();
  }

  /** The client is away, and about to call another: looks, if it is time for it. */
  beforeCall(): void {
    if (this.returnAfterMs > 0 && !this.#probing && this.hooks.now() >= this.#probeAt) {
      this.#probing = true;
      this.hooks
        .probe()
        .then(
          () => {
            this.returns += 1;
            this.#returnedAt = this.hooks.now();
            this.hooks.goBack();
          },
          () => undefined, // Not yet.
        )
        .finally(() => {
          this.#probing = false;
          this.#scheduleProbe();
        });
    }
  }

  #scheduleProbe(): void {
    this.#probeAt = this.hooks.now() + this.#pauseMs * (0.5 + this.hooks.random());
  }
}
