/**
 * Converts steps of the interoperability cases to arguments of the client. Fields are taken by name; fields that are
 * left over are an error.
 */
import { type Check, type ExpectedRevision, type NewEvent, type QueryItem, type Retention, type Write } from "../../src/index.js";
export type Fields = Record<string, unknown>;
/** Fields of a JSON object, each taken once. */
export declare class Taken {
    #private;
    constructor(fields: unknown);
    get(name: string): unknown;
    /** Takes a required text field. */
    text(name: string): string;
    number(name: string): number;
    list<T>(name: string, make: (fields: Taken) => T): T[];
    /** Takes those of these fields that are present, and returns them under other names. */
    some(names: Record<string, string>): Fields;
    end(): void;
}
/** Converts fields, all of which must be taken. */
export declare function whole<T>(fields: unknown, make: (fields: Taken) => T): T;
export declare function makeEvent(fields: Taken): NewEvent;
export declare function bytes(base64: unknown): Uint8Array;
export declare function expectedOf(fields: Taken): ExpectedRevision;
export declare function makeAppend(fields: Taken): {
    stream: string;
    expected: ExpectedRevision;
    events: NewEvent[];
};
export declare function makeWrite(fields: Taken): Write;
export declare function makeCheck(fields: Taken): Check;
export declare function makeItem(fields: Taken): QueryItem;
export declare function makeRetention(fields: Taken): Retention;
/** Takes the options of a read. `until` is `until_revision` or `until_position`, as in the protocol. */
export declare function readOptions(fields: Taken, until: string): Fields;
//# sourceMappingURL=steps.d.ts.map