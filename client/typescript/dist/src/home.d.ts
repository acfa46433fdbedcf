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
/** What is needed of the world. */
export interface Surroundings {
    /** Resolves if the home answers, and rejects if it does not. */
    readonly look: () => Promise<unknown>;
    /** Makes the home the endpoint that is called. */
    readonly goBack: () => void;
    /** Milliseconds, of any beginning. */
    readonly now: () => number;
    /** From 0 to 1. */
    readonly random: () => number;
}
/** When a client goes back. */
export declare class Home {
    #private;
    private readonly returnAfterMs;
    private readonly surroundings;
    /** How often it has gone back. What is under way elsewhere sees by it that it should follow. */
    returns: number;
    /** @param returnAfterMs The mean pause before a look; 0: there are none. */
    constructor(returnAfterMs: number, surroundings: Surroundings);
    /** The client has left it, because it failed. */
    left(): void;
    /** The client is away, and about to call another: looks, if it is time for it. */
    away(): void;
}
//# sourceMappingURL=home.d.ts.map