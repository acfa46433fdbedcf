import { type RecordedEvent } from "./events.js";
import type { CallOptions } from "./options.js";
import { type Query } from "./query.js";
import { type Shared } from "./retry.js";
import { type Time } from "./timestamp.js";
/** Selects the events to read. */
export interface ReadOptions extends CallOptions {
    /** Reads the newest event first. */
    readonly backwards?: boolean;
    /**
     * The first event to return: a revision of the stream, or a position of the log; at most one after the last. The
     * first event, or the last when reading backwards, unless given.
     */
    readonly from?: number;
    /** Maximum number of events, at least 1. Unlimited unless given. */
    readonly limit?: number;
    /** Returns only events that match. All unless given. */
    readonly query?: Query;
    /** Reads the stream or log as it was when this was its last revision or position. It must exist. */
    readonly until?: number;
    /** Reads the stream or log as it was at this time. Can't be combined with `until`. */
    readonly untilTime?: Time;
}
/** Facts about a read from its first response. */
export interface ReadBeginning {
    /**
     * The log's last position when the read began. Pass it as `after` to a check that nothing has changed since the
     * read.
     */
    readonly head: number;
    /** The stream's last revision when the read began (or at `until`, if given); undefined for the whole log. */
    readonly lastRevision: number | undefined;
}
/**
 * A read, which begins when it is first used: iterate it, or convert it to an array. It can be used once.
 *
 * @example
 * for await (const event of client.readStream("order-42")) {
 *   console.log(event.revision, event.type, event.json());
 * }
 */
export declare class Read implements AsyncIterable<RecordedEvent>, Disposable {
    #private;
    /** Called by Client.readStream and Client.readAll. */
    constructor(shared: Shared, stream: string | undefined, options: ReadOptions);
    /**
     * Begins the read. Fails under the conditions of Client.readStream and Client.readAll; without this call, the first
     * event does. The call is open from then on: read the events, or close the read.
     */
    begin(): Promise<ReadBeginning>;
    /** Returns all remaining events. Limit the read to bound the memory. */
    toArray(): Promise<RecordedEvent[]>;
    /** Iterates the events in the batches in which they arrive. A batch is never empty. */
    batches(): AsyncGenerator<RecordedEvent[], void, undefined>;
    [Symbol.asyncIterator](): AsyncIterator<RecordedEvent, undefined>;
    /** Ends the read. Leaving a loop over it does the same. */
    close(): void;
    /** Ends the read, like close. */
    [Symbol.dispose](): void;
}
//# sourceMappingURL=read.d.ts.map