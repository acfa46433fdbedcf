/**
 * Batches concurrent appends: a few are separate calls, and many share a pipeline, whose messages hold many appends.
 * A large append is always a separate call: it would gain nothing in a pipeline, and delay the others.
 */
import { DeadlineExceededError } from "./errors.js";
import { MESSAGE_BYTES_MAX } from "./encoded.js";
import { reasonOf } from "./retry.js";
/** Number of appends in flight above which further ones share a pipeline. */
const PIPELINE_FROM_APPENDS = 4;
/** Counts the appends of a client that are in flight, and chooses how to send each. */
export class AppendBatcher {
    timeoutMs;
    open;
    #inFlight = 0;
    #pipeline;
    constructor(timeoutMs, open) {
        this.timeoutMs = timeoutMs;
        this.open = open;
    }
    /** Appends by a separate call, or in the shared pipeline if enough appends are in flight. */
    async append(events, options, single, shared) {
        this.#inFlight += 1;
        try {
            return this.#inFlight > PIPELINE_FROM_APPENDS && !isLarge(events)
                ? await this.#withDeadline(options, shared(this.#pipelineInUse()))
                : await single();
        }
        finally {
            this.#inFlight -= 1;
        }
    }
    /** Returns the shared pipeline, or a new one if the last has failed. */
    #pipelineInUse() {
        if (this.#pipeline === undefined || this.#pipeline.closed) {
            this.#pipeline = this.open();
        }
        return this.#pipeline;
    }
    /** Resolves with the result of a pipeline's append, or rejects at the call's own deadline or abort signal. */
    #withDeadline({ signal, timeoutMs = this.timeoutMs }, result) {
        return new Promise((resolve, reject) => {
            const aborted = () => {
                ended();
                reject(reasonOf(signal));
            };
            const timer = setTimeout(() => {
                ended();
                reject(new DeadlineExceededError(timeoutMs));
            }, timeoutMs);
            const ended = () => {
                clearTimeout(timer);
                signal?.removeEventListener("abort", aborted);
            };
            signal?.addEventListener("abort", aborted, { once: true });
            result.finally(ended).then(resolve, reject);
        });
    }
}
/** Whether the events alone fill a message. Tags are not counted: the pipeline computes the exact size. */
function isLarge(events) {
    return events.reduce((sum, { data, metadata }) => sum + data.length + metadata.length, 0) > MESSAGE_BYTES_MAX;
}
//# sourceMappingURL=append-batcher.js.map