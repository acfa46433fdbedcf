import { Connection } from "./connection.js";
import { AnnalsError, DeadlineExceededError, InvalidEndpointError } from "./errors.js";
import { fromServiceError } from "./status.js";
import { answersHttp1, isForeign } from "./wire.js";
/** The attempts of one call, or of one period without progress. */
export class Tries {
    policy;
    endpoints;
    random;
    #failed = 0;
    constructor(policy, endpoints, random = Math.random) {
        this.policy = policy;
        this.endpoints = endpoints;
        this.random = random;
    }
    /** Counts a failure. Returns the milliseconds to wait before the next attempt; undefined if there is none. */
    afterFailure() {
        const pause = this.#countFailure();
        return this.#failed >= this.policy.triesMax ? undefined : pause;
    }
    /** Counts a failure of an operation that is retried without limit. Returns the milliseconds to wait. */
    afterFailureWithoutEnd() {
        const pause = this.#countFailure();
        return pause === 0 ? this.policy.pauseFirstMs * this.random() : pause;
    }
    /** Resets the pauses after progress; the position in the cycle of endpoints is kept. */
    reset() {
        this.#failed %= this.endpoints;
    }
    #countFailure() {
        this.#failed += 1;
        if (this.#failed % this.endpoints !== 0) {
            return 0;
        }
        const round = this.#failed / this.endpoints - 1;
        const nominal = Math.min(this.policy.pauseFirstMs * 2 ** Math.min(round, 20), this.policy.pauseMaxMs);
        return nominal * (0.5 + this.random() / 2);
    }
}
/** The state that all calls of a client share. */
export class Shared {
    settings;
    connection;
    constructor(settings) {
        this.settings = settings;
        this.connection = new Connection(settings);
    }
    /** Returns the deadline of a call that starts now. */
    deadline(options) {
        const afterMs = options.timeoutMs ?? this.settings.timeoutMs;
        return { afterMs, at: Date.now() + afterMs, signal: options.signal };
    }
    tries() {
        return new Tries(this.settings.retry, this.connection.length);
    }
    /** Calls until there is a response, an error that is not retried, or the deadline ends. */
    async call(options, attempt) {
        const deadline = this.deadline(options);
        const tries = this.tries();
        let last;
        for (;;) {
            options.signal?.throwIfAborted();
            const picked = this.connection.pick();
            let error;
            try {
                return await attempt(picked, deadline);
            }
            catch (thrown) {
                options.signal?.throwIfAborted();
                error = await this.failed(picked, thrown);
            }
            if (Date.now() >= deadline.at && error.retryable) {
                this.connection.failOver(picked);
                throw error instanceof DeadlineExceededError && last === undefined
                    ? error
                    : new DeadlineExceededError(deadline.afterMs, last ?? error);
            }
            const pause = error.retryable ? tries.afterFailure() : undefined;
            if (pause === undefined || Date.now() + pause >= deadline.at) {
                throw error;
            }
            await sleep(pause, options.signal);
            last = error;
        }
    }
    /**
     * Converts the failure of a call to an endpoint to an error. Fails over if another endpoint could have served the
     * call.
     */
    async failed(picked, thrown) {
        const error = isServiceError(thrown)
            ? ((await foreign(picked, thrown)) ?? fromServiceError(thrown, picked.name))
            : thrown;
        if (!(error instanceof AnnalsError)) {
            throw error;
        }
        if (error.retryable || error instanceof InvalidEndpointError) {
            this.connection.failOver(picked);
        }
        return error;
    }
}
/** Returns the error of an endpoint that does not speak gRPC; undefined if it does. */
async function foreign({ name, address }, thrown) {
    if (!isForeign(thrown) || !(await answersHttp1(address))) {
        return undefined;
    }
    const what = "answers HTTP/1.1: it is the port for health and metrics; gRPC listens on another port (2113 by default)";
    return new InvalidEndpointError(name, `${JSON.stringify(name)} ${what}`);
}
/** Waits. Fails with the signal's reason when that is aborted. */
export function sleep(ms, signal) {
    return new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const aborted = () => {
            clearTimeout(timer);
            reject(reasonOf(signal));
        };
        const timer = setTimeout(() => {
            signal?.removeEventListener("abort", aborted);
            resolve();
        }, ms);
        signal?.addEventListener("abort", aborted, { once: true });
    });
}
/** Returns the reason of an aborted signal as an Error. */
export function reasonOf(signal) {
    const reason = signal?.reason;
    return reason instanceof Error ? reason : new Error(`aborted: ${String(reason)}`);
}
function isServiceError(thrown) {
    return thrown instanceof Error && "code" in thrown && "details" in thrown && "metadata" in thrown;
}
//# sourceMappingURL=retry.js.map