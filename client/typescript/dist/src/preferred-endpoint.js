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
/** Decides when a client returns to its preferred endpoint. */
export class PreferredEndpoint {
    returnAfterMs;
    hooks;
    /**
     * The number of times the client has returned. Long-lived calls on another endpoint compare it to detect that they
     * should move.
     */
    returns = 0;
    #returnedAt = Number.NEGATIVE_INFINITY;
    #pauseMs;
    #probeAt = 0;
    #probing = false;
    /** @param returnAfterMs The mean pause before a probe; 0 disables probes. */
    constructor(returnAfterMs, hooks) {
        this.returnAfterMs = returnAfterMs;
        this.hooks = hooks;
        this.#pauseMs = returnAfterMs;
    }
    /** Records that the client has left the preferred endpoint because it failed. */
    failed() {
        const lasted = this.hooks.now() - this.#returnedAt;
        this.#pauseMs =
            lasted < PROBE_PAUSE_MS_MAX ? Math.min(this.#pauseMs * 2, PROBE_PAUSE_MS_MAX) : this.returnAfterMs;
        this.#scheduleProbe();
    }
    /** Probes if that is due. Called before each call to another endpoint. */
    beforeCall() {
        if (this.returnAfterMs > 0 && !this.#probing && this.hooks.now() >= this.#probeAt) {
            this.#probing = true;
            this.hooks
                .probe()
                .then(() => {
                this.returns += 1;
                this.#returnedAt = this.hooks.now();
                this.hooks.goBack();
            }, () => undefined)
                .finally(() => {
                this.#probing = false;
                this.#scheduleProbe();
            });
        }
    }
    #scheduleProbe() {
        this.#probeAt = this.hooks.now() + this.#pauseMs * (0.5 + this.hooks.random());
    }
}
//# sourceMappingURL=preferred-endpoint.js.map