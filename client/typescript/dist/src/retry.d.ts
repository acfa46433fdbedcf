import { Connection, type Picked } from "./connection.js";
import { AnnalsError } from "./errors.js";
import type { CallOptions, RetryPolicy, Settings } from "./options.js";
/** The attempts of one call, or of one period without progress. */
export declare class Tries {
    #private;
    private readonly policy;
    private readonly endpoints;
    private readonly random;
    constructor(policy: Required<RetryPolicy>, endpoints: number, random?: () => number);
    /** Counts a failure. Returns the milliseconds to wait before the next attempt; undefined if there is none. */
    afterFailure(): number | undefined;
    /** Counts a failure of an operation that is retried without limit. Returns the milliseconds to wait. */
    afterFailureWithoutEnd(): number;
    /** Resets the pauses after progress; the position in the cycle of endpoints is kept. */
    reset(): void;
}
/** One attempt of a call. */
export type Attempt<T> = (picked: Picked, deadline: Deadline) => Promise<T>;
/** The deadline of a call. */
export interface Deadline {
    /** The duration of the deadline, in milliseconds. */
    readonly afterMs: number;
    /** The end of the deadline, in milliseconds since 1970. */
    readonly at: number;
    readonly signal: AbortSignal | undefined;
}
/** The state that all calls of a client share. */
export declare class Shared {
    readonly settings: Settings;
    readonly connection: Connection;
    constructor(settings: Settings);
    /** Returns the deadline of a call that starts now. */
    deadline(options: CallOptions): Deadline;
    tries(): Tries;
    /** Calls until there is a response, an error that is not retried, or the deadline ends. */
    call<T>(options: CallOptions, attempt: Attempt<T>): Promise<T>;
    /**
     * Converts the failure of a call to an endpoint to an error. Fails over if another endpoint could have served the
     * call.
     */
    failed(picked: Picked, thrown: unknown): Promise<AnnalsError>;
}
/** Waits. Fails with the signal's reason when that is aborted. */
export declare function sleep(ms: number, signal?: AbortSignal): Promise<void>;
/** Returns the reason of an aborted signal as an Error. */
export declare function reasonOf(signal: AbortSignal | undefined): Error;
//# sourceMappingURL=retry.d.ts.map