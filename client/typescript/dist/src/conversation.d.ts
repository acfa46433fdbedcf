import type { Picked } from "./connection.js";
import type { SessionResult } from "./generated/annals/v1/append_pb.js";
/** What a conversation is about. */
export interface Talk {
    /** The next message, encoded; undefined if there is nothing to send. */
    readonly next: () => Buffer | undefined;
    /** Takes results; what it throws ends the call. */
    readonly answered: (results: SessionResult[]) => void;
    /** Whether nothing is unanswered. */
    readonly idle: () => boolean;
    /** When the call is given up, in milliseconds since 1970, if nothing is answered before. */
    readonly deadline: () => number;
}
/** One call of a session, with one message on its way at a time: what queues up meanwhile makes the next one. */
export declare class Conversation {
    #private;
    /** Resolves when the call has ended in good order. */
    readonly held: Promise<void>;
    /** Whether it was ended from this side, because there was nothing to send. */
    idled: boolean;
    constructor(picked: Picked, talk: Talk);
    /** Sends what there is. */
    wake(): void;
    /** Ends the call when what was sent is answered. */
    end(): void;
}
//# sourceMappingURL=conversation.d.ts.map