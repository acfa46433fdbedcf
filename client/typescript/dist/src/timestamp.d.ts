import { type Timestamp as PbTimestamp } from "@bufbuild/protobuf/wkt";
/** A time as an argument: a Timestamp, a Date, or text that Date can parse (`2026-11-21T04:31:36Z`). */
export type Time = Timestamp | Date | string;
/** A point in time (UTC), exact to the microsecond. */
export declare class Timestamp {
    /** Microseconds since 1970-01-01T00:00:00Z. */
    readonly epochMicroseconds: number;
    /** Throws a RangeError if the argument is not a whole number. */
    constructor(epochMicroseconds: number);
    /** Returns the current time of the local clock. */
    static now(): Timestamp;
    /**
     * Converts to a Timestamp. Text may have up to six decimal places of a second. Throws a RangeError if it is not a
     * time.
     */
    static from(time: Time): Timestamp;
    /** Converts to a Date, which drops the last three digits. */
    toDate(): Date;
    /** Returns ISO 8601 with six decimal places of a second: `2026-11-21T04:31:36.790766Z`. */
    toString(): string;
    /** Returns the same text as toString. */
    toJSON(): string;
    /** Returns the microseconds, so that times can be compared with < and >. */
    valueOf(): number;
}
/** Converts from the protocol. */
export declare function fromPbTime(time: PbTimestamp | undefined, field: string): Timestamp;
/** Converts to the protocol. */
export declare function toPbTime(time: Time): PbTimestamp;
//# sourceMappingURL=timestamp.d.ts.map