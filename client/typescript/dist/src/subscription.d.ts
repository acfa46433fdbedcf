import { type Duration } from "./duration.js";
import type { RecordedEvent } from "./events.js";
import type { CallOptions } from "./options.js";
import { type Query } from "./query.js";
import { type Shared } from "./retry.js";
/** An item of a subscription. */
export type SubscriptionItem = {
    /** The next event. */
    readonly kind: "event";
    readonly event: RecordedEvent;
} | {
    /**
     * All existing events were sent; later ones are sent as they are appended. Reported once, again after each
     * `fell-behind`, and again after a reconnect.
     */
    readonly kind: "caught-up";
    /** The position up to which the log was scanned; it is safe to resume a subscription to the log after it. */
    readonly position: number;
    /**
     * The stream's last revision at that position; it is safe to resume a subscription to the stream after it.
     * Undefined in a subscription to the log, or if the stream has no events.
     */
    readonly revision: number | undefined;
} | {
    /** The subscriber lags behind the appends, and events come from storage again. Nothing is lost. */
    readonly kind: "fell-behind";
    /** The position up to which the log was scanned; it is safe to resume a subscription to the log after it. */
    readonly position: number;
    /** The stream's last revision at that position, as for `caught-up`. */
    readonly revision: number | undefined;
    /** The log's last position. */
    readonly head: number;
} | {
    /**
     * The log was scanned up to here, and no matching event is unsent. Store it, so that a filtered subscription
     * need not scan the same events again. It only increases.
     */
    readonly kind: "checkpoint";
    /** The position; it is safe to resume a subscription to the log after it. */
    readonly position: number;
    /** The stream's last revision at that position, as for `caught-up`. */
    readonly revision: number | undefined;
};
/**
 * Selects the events of a subscription, and its start. `timeoutMs` applies to the first connection; reconnecting is
 * limited by `reconnectTimeout`.
 */
export interface SubscribeOptions extends CallOptions {
    /**
     * Starts after this position of the log, or after this revision of a stream: the last one processed. With `"end"`,
     * starts after the last event at the moment. At the beginning unless given.
     */
    readonly after?: number | "end";
    /** Returns only events that match. All unless given. */
    readonly query?: Query;
    /** How long a subscription tries to reconnect before it fails. Unlimited unless given. */
    readonly reconnectTimeout?: Duration;
}
/**
 * A subscription, which begins when it is first used, and ends only with an error: to end it, leave the loop, or
 * abort its signal. It can be used once.
 *
 * @example
 * for await (const item of client.subscribeAll({ after: checkpoint })) {
 *   if (item.kind === "event") console.log(item.event.position, item.event.type);
 * }
 */
export declare class Subscription implements AsyncIterable<SubscriptionItem>, Disposable {
    #private;
    /** Called by Client.subscribeAll and Client.subscribeStream. */
    constructor(shared: Shared, stream: string | undefined, options: SubscribeOptions);
    /** Iterates only the events. */
    events(): AsyncGenerator<RecordedEvent, void, undefined>;
    /** Iterates the items in the batches in which they arrive. A batch is never empty. */
    batches(): AsyncGenerator<SubscriptionItem[], void, undefined>;
    [Symbol.asyncIterator](): AsyncIterator<SubscriptionItem, undefined>;
    /** Ends the subscription. Leaving a loop over it does the same. */
    close(): void;
    /** Ends the subscription, like close. */
    [Symbol.dispose](): void;
}
//# sourceMappingURL=subscription.d.ts.map