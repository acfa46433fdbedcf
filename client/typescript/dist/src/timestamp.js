/**
 * Points in time with the precision of the store: microseconds.
 *
 * A Date has only milliseconds: reading the log "as of the recorded time of this event" with a Date would miss the
 * event.
 */
import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { ProtocolError } from "./errors.js";
/** A point in time (UTC), exact to the microsecond. */
export class Timestamp {
    /** Microseconds since 1970-01-01T00:00:00Z. */
    epochMicroseconds;
    /** Throws a RangeError if the argument is not a whole number. */
    constructor(epochMicroseconds) {
        if (!Number.isSafeInteger(epochMicroseconds)) {
            throw new RangeError(`a time must be a whole number of microseconds, not ${epochMicroseconds}`);
        }
        this.epochMicroseconds = epochMicroseconds;
    }
    /** Returns the current time of the local clock. */
    static now() {
        return new Timestamp(Date.now() * 1_000);
    }
    /**
     * Converts to a Timestamp. Text may have up to six decimal places of a second. Throws a RangeError if it is not a
     * time.
     */
    static from(time) {
        if (time instanceof Timestamp) {
            return time;
        }
        const milliseconds = typeof time === "string" ? Date.parse(time) : time.getTime();
        if (Number.isNaN(milliseconds)) {
            throw new RangeError(`${JSON.stringify(time)} is no time; give one such as 2026-11-21T04:31:36.790766Z`);
        }
        const beyond = typeof time === "string" ? /\.\d{3}(\d{1,3})/.exec(time)?.[1] : undefined;
        return new Timestamp(milliseconds * 1_000 + Number((beyond ?? "").padEnd(3, "0")));
    }
    /** Converts to a Date, which drops the last three digits. */
    toDate() {
        return new Date(Math.floor(this.epochMicroseconds / 1_000));
    }
    /** Returns ISO 8601 with six decimal places of a second: `2026-11-21T04:31:36.790766Z`. */
    toString() {
        const beyond = ((this.epochMicroseconds % 1_000) + 1_000) % 1_000;
        return this.toDate()
            .toISOString()
            .replace("Z", `${String(beyond).padStart(3, "0")}Z`);
    }
    /** Returns the same text as toString. */
    toJSON() {
        return this.toString();
    }
    /** Returns the microseconds, so that times can be compared with < and >. */
    valueOf() {
        return this.epochMicroseconds;
    }
}
/** Converts from the protocol. */
export function fromPbTime(time, field) {
    if (time === undefined) {
        throw new ProtocolError(`${field} is missing`);
    }
    return new Timestamp(Number(time.seconds) * 1_000_000 + Math.floor(time.nanos / 1_000));
}
/** Converts to the protocol. */
export function toPbTime(time) {
    const micros = Timestamp.from(time).epochMicroseconds;
    const seconds = Math.floor(micros / 1_000_000);
    return create(TimestampSchema, { seconds: BigInt(seconds), nanos: (micros - seconds * 1_000_000) * 1_000 });
}
//# sourceMappingURL=timestamp.js.map