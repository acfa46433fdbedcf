import type { Picked } from "./connection.js";
import type { PipelinedResult } from "./generated/annals/v1/append_pb.js";
/** The pipeline's side of a call. */
export interface PipelineCallHooks {
    /** Returns the next message, encoded; undefined if there is nothing to send. */
    readonly next: () => Buffer | undefined;
    /** Processes results. An error that it throws ends the call. */
    readonly answered: (results: PipelinedResult[]) => void;
    /** Whether nothing is unanswered. */
    readonly idle: () => boolean;
    /** Returns the time at which the call fails if nothing is answered before, in milliseconds since 1970. */
    readonly deadline: () => number;
}
/**
 * One call of a pipeline, with one message in transit at a time: appends that queue up meanwhile form the next
 * message.
 */
export declare class PipelineCall {
    #private;
    /** Resolves when the call has ended normally. */
    readonly done: Promise<void>;
    /** Whether the client ended it, because there was nothing to send. */
    idled: boolean;
    constructor(picked: Picked, hooks: PipelineCallHooks);
    /** Sends the next message, if there is one. */
    wake(): void;
    /** Ends the call once everything sent is answered. */
    end(): void;
}
//# sourceMappingURL=pipeline-call.d.ts.map