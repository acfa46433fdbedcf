/** Errors of a change that conflicts with data that is already stored: read again, and make a new decision. */
import type { ExpectedRevision } from "../append.js";
import type { ExpectedVersion } from "../state.js";
import { AnnalsError } from "./base.js";
import { actualText } from "./place.js";

/**
 * The stream is not at the expected revision: another client appended to it. Read it again and make a new decision.
 */
export class RevisionConflictError extends AnnalsError {
  override readonly conflict = true;
  constructor(
    readonly stream: string,
    /** The state that the append expected. */
    readonly expected: ExpectedRevision,
    /** The stream's last revision; undefined if it has no events. */
    readonly actual: number | undefined,
  ) {
    super(
      `stream ${JSON.stringify(stream)} is not as expected: expected ${expectedText(expected)}, ` +
        `but it ${actualText(actual)}`,
    );
  }
}

/**
 * The id of the append's first event is already stored, but from a different append. If this is a retry, send exactly
 * the same append; otherwise use a new id. `conflict` is false: a new decision with the same ids would fail again.
 */
export class EventIdConflictError extends AnnalsError {
  constructor(
    readonly id: string,
    /** The stream in which the event is stored; if it was removed, the stream of the rejected append. */
    readonly stream: string,
    /** The event's revision; undefined if it was removed. */
    readonly revision: number | undefined,
    /** The event's position. */
    readonly position: number,
  ) {
    const place =
      revision === undefined
        ? `at position ${position} (since removed)`
        : `to stream ${JSON.stringify(stream)} at revision ${revision} (position ${position})`;
    super(
      `event id ${id} was already appended ${place}, by a different append; ` +
        "use a new id, or send exactly the same append again",
    );
  }
}

/**
 * The id of the write of state was already used by a different write. If this is a retry, send exactly the same write;
 * otherwise use a new id. `conflict` is false: a new decision with the same id would fail again.
 */
export class StateIdConflictError extends AnnalsError {}

/** A check of an append or of a write of state that failed. */
export type FailedCheck =
  | {
      /** The index of the check, from 0: first the append's checks, then the `expected` of its writes, in order. */
      readonly index: number;
      /** The stream that is not in the expected state. */
      readonly stream: {
        readonly stream: string;
        readonly expected: ExpectedRevision;
        readonly actual: number | undefined;
      };
    }
  | {
      /** The index of the check, from 0: first the append's checks, then the `expected` of its writes, in order. */
      readonly index: number;
      /** The event at `position` matches the query of a check that expects no match after `after`. */
      readonly match: { readonly after: number; readonly position: number };
    }
  | {
      /** The index of the check among those of state, from 0. */
      readonly index: number;
      /** The entry that has changed; `actual` is its version, undefined if there is no such entry. */
      readonly state: {
        readonly scope: string;
        readonly key: string;
        readonly expected: ExpectedVersion;
        readonly actual: number | undefined;
      };
    };

/**
 * Checks of the append or of the write of state failed: another client changed the data it depends on. Read it again
 * and make a new decision.
 */
export class ChecksFailedError extends AnnalsError {
  override readonly conflict = true;
  constructor(
    /** The first failed checks, in the order of their indexes, those of state last; at least one. */
    readonly failed: readonly FailedCheck[],
    /** The number of failed checks. */
    readonly count: number,
  ) {
    const more = count > failed.length ? [`and ${count - failed.length} more`] : [];
    super([...failed.map(failedText), ...more].join("; "));
  }
}

/**
 * The retention of the stream or prefix, or the settings of the consumer group, have changed since the caller read
 * them. Read them again and make a new decision.
 */
export class VersionConflictError extends AnnalsError {
  override readonly conflict = true;
  constructor(
    /** The stream; empty if the conflict is about something else. */
    readonly stream: string,
    /** The expected version. */
    readonly expected: number,
    /** The current version. */
    readonly actual: number,
    /** The prefix; undefined if the conflict is about something else. */
    readonly prefix?: string,
    /** The consumer group; undefined if the conflict is about something else. */
    readonly group?: string,
  ) {
    const subject =
      group !== undefined
        ? `group ${JSON.stringify(group)}`
        : prefix !== undefined
          ? `the retention of prefix ${JSON.stringify(prefix)}`
          : `the retention of stream ${JSON.stringify(stream)}`;
    super(
      `${subject} was expected to be at version ${expected}, but is at version ${actual}; read it again`,
    );
  }
}

function expectedText(expected: ExpectedRevision): string {
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

function failedText(failed: FailedCheck): string {
  if ("match" in failed) {
    return (
      `check ${failed.index}: the event at position ${failed.match.position} matches, ` +
      `and none should after ${failed.match.after}`
    );
  }
  if ("state" in failed) {
    const { scope, key, expected, actual } = failed.state;
    const wanted = expected === "absent" ? "absent" : `at version ${expected}`;
    const found = actual === undefined ? "is absent" : `is at version ${actual}`;
    return (
      `check of state ${failed.index}: key ${JSON.stringify(key)} of scope ${JSON.stringify(scope)} was expected to ` +
      `be ${wanted}, but it ${found}`
    );
  }
  const { stream, expected, actual } = failed.stream;
  return (
    `check ${failed.index}: stream ${JSON.stringify(stream)} was expected to be ${expectedText(expected)}, ` +
    `but it ${actualText(actual)}`
  );
}
