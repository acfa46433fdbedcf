import { AnnalsError } from "./base.js";
import { actualText } from "./place.js";
/**
 * The stream is not at the expected revision: another client appended to it. Read it again and make a new decision.
 */
export class RevisionConflictError extends AnnalsError {
    stream;
    expected;
    actual;
    conflict = true;
    constructor(stream, 
    /** The state that the append expected. */
    expected, 
    /** The stream's last revision; undefined if it has no events. */
    actual) {
        super(`stream ${JSON.stringify(stream)} is not as expected: expected ${expectedText(expected)}, ` +
            `but it ${actualText(actual)}`);
        this.stream = stream;
        this.expected = expected;
        this.actual = actual;
    }
}
/**
 * The id of the append's first event is already stored, but from a different append. If this is a retry, send exactly
 * the same append; otherwise use a new id. `conflict` is false: a new decision with the same ids would fail again.
 */
export class EventIdConflictError extends AnnalsError {
    id;
    stream;
    revision;
    position;
    constructor(id, 
    /** The stream in which the event is stored; if it was removed, the stream of the rejected append. */
    stream, 
    /** The event's revision; undefined if it was removed. */
    revision, 
    /** The event's position. */
    position) {
        const place = revision === undefined
            ? `at position ${position} (since removed)`
            : `to stream ${JSON.stringify(stream)} at revision ${revision} (position ${position})`;
        super(`event id ${id} was already appended ${place}, by a different append; ` +
            "use a new id, or send exactly the same append again");
        this.id = id;
        this.stream = stream;
        this.revision = revision;
        this.position = position;
    }
}
/**
 * Checks of the append failed: another client changed the data it depends on. Read it again and make a new decision.
 */
export class ChecksFailedError extends AnnalsError {
    failed;
    count;
    conflict = true;
    constructor(
    /** The first failed checks, in the order of their indexes; at least one. */
    failed, 
    /** The number of failed checks. */
    count) {
        const more = count > failed.length ? [`and ${count - failed.length} more`] : [];
        super([...failed.map(failedText), ...more].join("; "));
        this.failed = failed;
        this.count = count;
    }
}
/**
 * The retention of the stream or prefix has changed since the caller read it. Read it again and make a new decision.
 */
export class VersionConflictError extends AnnalsError {
    stream;
    expected;
    actual;
    prefix;
    conflict = true;
    constructor(
    /** The stream; empty if the retention is that of a prefix. */
    stream, 
    /** The expected version. */
    expected, 
    /** The current version. */
    actual, 
    /** The prefix; undefined if the retention is that of a stream. */
    prefix) {
        const subject = prefix === undefined ? `stream ${JSON.stringify(stream)}` : `prefix ${JSON.stringify(prefix)}`;
        super(`the retention of ${subject} was expected to be at version ${expected}, but is at version ${actual}; ` +
            "read it again");
        this.stream = stream;
        this.expected = expected;
        this.actual = actual;
        this.prefix = prefix;
    }
}
function expectedText(expected) {
    switch (expected) {
        case "no-stream":
            return "no stream";
        case "stream-exists":
            return "a stream that exists";
        case "any":
            return "anything";
        default:
            return `revision ${expected}`;
    }
}
function failedText(failed) {
    if ("match" in failed) {
        return (`check ${failed.index}: the event at position ${failed.match.position} matches, ` +
            `and none should after ${failed.match.after}`);
    }
    const { stream, expected, actual } = failed.stream;
    return (`check ${failed.index}: stream ${JSON.stringify(stream)} was expected to be ${expectedText(expected)}, ` +
        `but it ${actualText(actual)}`);
}
//# sourceMappingURL=conflict.js.map