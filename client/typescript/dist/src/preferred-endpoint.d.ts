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
export declare class PreferredEndpoint {
    #private;
    private readonly returnAfterMs;
    private readonly hooks;
    /**
     * The number of times the client has returned. Long-lived calls on another endpoint compare it to detect that they
     * should move.
     */
    returns: number;
    /** @param returnAfterMs The mean pause before a probe; 0 disables probes. */
    constructor(returnAfterMs: number, hooks: ProbeHooks);
    /** Records that the client has left the preferred endpoint because it failed. */
    failed(): void;
    /** Probes if that is due. Called before each call to another endpoint. */
    beforeCall(): void;
}
//# sourceMappingURL=preferred-endpoint.d.ts.map