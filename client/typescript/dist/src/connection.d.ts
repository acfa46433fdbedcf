import { Client as GrpcClient } from "@grpc/grpc-js";
import { type Settings } from "./options.js";
/** A call in progress. */
export interface OpenCall {
    cancel(): void;
    on(event: "status", listener: () => void): unknown;
}
/** The endpoint that calls currently go to. */
export interface Picked {
    readonly index: number;
    readonly name: string;
    /** Its `host:port`. */
    readonly address: string;
    readonly stub: GrpcClient;
    /** Registers a call to be cancelled when the client is closed. */
    readonly hold: (call: OpenCall) => void;
}
/** The connection of a client, to one of its endpoints at a time. */
export declare class Connection {
    #private;
    constructor(settings: Settings);
    /** The number of endpoints. */
    get length(): number;
    /** The number of times the client has returned to its first endpoint. */
    get returns(): number;
    /** Returns the endpoint to call now. Throws a ClosedError after close. */
    pick(): Picked;
    /** Whether calls currently go to this endpoint. */
    isCurrent({ index }: Picked): boolean;
    /** Probes the first endpoint, if the client uses another and a probe is due. */
    probePreferred(): void;
    /** Fails over from an endpoint to the next, unless that has already happened. */
    failOver(failed: Picked): void;
    /** Ends all calls and closes the channels. */
    close(): void;
}
//# sourceMappingURL=connection.d.ts.map