import type { SubscribeAllResponse, SubscribeStreamResponse } from "./generated/annals/v1/event_store_pb.js";
import type { SubscriptionItem } from "./subscription.js";
/** A message of the server. */
export type Message = SubscribeAllResponse | SubscribeStreamResponse;
/** Tracks the last event or notice received, and rejects messages that are out of order. */
export declare class Cursor {
    #private;
    private readonly byRevision;
    /** The last position received, or the last revision for a stream. */
    after: number | undefined;
    constructor(byRevision: boolean, 
    /** The last position received, or the last revision for a stream. */
    after: number | undefined);
    /** Advances by the content of a message. */
    take({ content }: Message): SubscriptionItem[];
}
//# sourceMappingURL=cursor.d.ts.map