/**
 * The preferred endpoint of a client: its first one, to which it returns after a failover.
 *
 * While it uses another endpoint, the client probes the preferred one from time to time, and returns when that
 * answers: a restarted server gets its clients back, instead of another server keeping all of them. An endpoint that
 * fails again soon after a return is probed less and less often. Probes are jittered, so that clients that lost the
 * same server do not return in step.
 *
 * Limitation: an idle client, without calls and subscriptions, does not probe before its next call.
 */

/** Maximum mean pause between probes, in milliseconds; also the time after which a return counts as lasting. */
const PROBE_PAUSE_MS_MAX = 60_000;

/** Operations that the decision to return depends on. */
export interface ProbeHooks {
  /** Resolves if the preferred endpoint answers, and rejects otherwise. */
  readonly probe: () => Promise<unknown>;
  /** Makes the preferred endpoint the current one. */
  readonly goBack: () => void;
  /** Returns milliseconds since an arbitrary start. */
  readonly now: () => number;
  /** Returns a number from 0 to 1. */
  readonly random: () => number;
}

/** Decides when a client returns to its preferred endpoint. */
export class PreferredEndpoint {
  /**
   * The number of times the client has returned. Long-lived calls on another endpoint compare it to detect that they
   * should move.
   */
  returns = 0;
  #returnedAt = Number.NEGATIVE_INFINITY;
  #pauseMs: number;
  #probeAt = 0;
  #probing = false;

  /** @param returnAfterMs The mean pause before a probe; 0 disables probes. */
  constructor(
    private readonly returnAfterMs: number,
    private readonly hooks: ProbeHooks,
  ) {
    this.#pauseMs = returnAfterMs;
  }

  /** Records that the client has left the preferred endpoint because it failed. */
  failed(): void {
    const lasted = this.hooks.now() - this.#returnedAt;
    this.#pauseMs =
      lasted < PROBE_PAUSE_MS_MAX ? Math.min(this.#pauseMs * 2, PROBE_PAUSE_MS_MAX) : this.returnAfterMs;
    this.#scheduleProbe();
  }

  /** Probes if that is due. Called before each call to another endpoint. */
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
