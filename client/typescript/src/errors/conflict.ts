/** Errors of a change that came too late, or a second time: read again, and decide anew. */
import type { ExpectedRevision } from "../append.js";
import { AnnalsError } from "./base.js";
import { actualText } from "./place.js";

/** The stream is not at the expected revision: somebody else appended. Read it again, and decide anew. */
export class RevisionConflictError extends AnnalsError {
  override readonly conflict = true;
  constructor(
    /** The stream. */
    readonly stream: string,
    /** What the append expected. */
    readonly expected: ExpectedRevision,
    /** The stream's last revision; undefined if it has no events. */
    readonly actual: number | undefined,
  ) {
    super(
      `stream ${JSON.stringify(stream)} is not as expected: expected ${expectedText(expected)}, but it ${actualText(actual)}`,
    );
  }
}

/**
 * The id of the append's first event was already appended, but not as part of this same append. If this is a retry, send
 * exactly what was sent first; otherwise use a new id.
 */
export class EventIdConflictError extends AnnalsError {
  override readonly conflict = true;
  constructor(
    /** The id. */
    readonly id: string,
    /** The stream in which it was recorded. */
    readonly stream: string,
    /** The revision at which it was recorded. */
    readonly revision: number,
    /** The position at which it was recorded. */
    readonly position: number,
  ) {
    super(
      `event id ${id} was already appended to stream ${JSON.stringify(stream)} at revision ${revision} (position ${position}), ` +
        "by a different append; use a new id, or send exactly the same append again",
    );
  }
}

/** A check of an append that does not hold. */
export type FailedCheck =
  | {
      /** Which of the append's checks, counted from 0. */
      readonly index: number;
      /** A stream is not as expected. */
      readonly stream: {
        readonly stream: string;
        readonly expected: ExpectedRevision;
        readonly actual: number | undefined;
      };
    }
  | {
      /** Which of the append's checks, counted from 0. */
      readonly index: number;
      /** An event matches, at `position`, and none should after `after`. */
      readonly match: { readonly after: number; readonly position: number };
    };

/** Checks of the append do not hold: somebody else changed what it rests on. Read that again, and decide anew. */
export class ChecksFailedError extends AnnalsError {
  override readonly conflict = true;
  constructor(
    /** The first of them, in the order of the append's checks; at least one. */
    readonly failed: readonly FailedCheck[],
    /** How many there are. */
    readonly count: number,
  ) {
    const more = count > failed.length ? [`and ${count - failed.length} more`] : [];
    super([...failed.map(failedText), ...more].join("; "));
  }
}

/** What is kept of the stream, or of the streams of a prefix, was changed since. Look at it again, and decide anew. */
export class VersionConflictError extends AnnalsError {
  override readonly conflict = true;
  constructor(
    /** The stream; empty if it is about a prefix. */
    readonly stream: string,
    /** The version that was expected. */
    readonly expected: number,
    /** The version that it has. */
    readonly actual: number,
    /** The prefix; undefined if it is about a stream. */
    readonly prefix?: string,
  ) {
    const subject = prefix === undefined ? `stream ${JSON.stringify(stream)}` : `prefix ${JSON.stringify(prefix)}`;
    super(
      `the retention of ${subject} was expected to be at version ${expected}, but is at version ${actual}; ` +
        "read it again",
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
    return `check ${failed.index}: the event at position ${failed.match.position} matches, and none should after ${failed.match.after}`;
  }
  const { stream, expected, actual } = failed.stream;
  return `check ${failed.index}: stream ${JSON.stringify(stream)} was expected to be ${expectedText(expected)}, but it ${actualText(actual)}`;
}
