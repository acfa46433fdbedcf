/** Deliveries of a consumer group, and what a handler decides about them. */
import { type Duration, toMilliseconds } from "./duration.js";
import { InvalidFieldError } from "./errors.js";
import type { RecordedEvent } from "./events.js";

/** Maximum length of a reason in bytes of UTF-8, from the protocol. */
const REASON_BYTES_MAX = 1_024;
/** Maximum time after which an event is retried, from the protocol. */
const RETRY_AFTER_MS_MAX = 86_400_000;

/** An event that a consumer holds until its handler has ended. */
export interface Delivery {
  readonly event: RecordedEvent;
  /** Number of the attempt, from 1. Attempts that a crashed server had not stored yet do not count. */
  readonly attempt: number;
}

/**
 * Handles a delivery. If it returns normally, the event is acked; if it throws, the event is retried after the group's
 * delay, with the error's message as the reason. To decide otherwise, it returns a `Retry`, `Park` or `Skip`.
 *
 * Events with the same order key (the stream or the tag of an ordered group, all of an exclusive one) are handled one
 * after the other, in order; others at the same time, up to the consumer's `concurrency`.
 */
export type DeliveryHandler = (delivery: Delivery) => unknown;

/** What happens to an event. */
export abstract class Outcome {
  protected readonly isOutcome = true;
}

/** The event was processed. */
export class Ack extends Outcome {}

/** The event is done without being processed. */
export class Skip extends Outcome {}

/** The event is retried after a time, or parked after the last attempt. */
export class Retry extends Outcome {
  /**
   * @param after Up to 1 day. The group's delay unless given.
   * @param reason Stored if the event is parked; cut to 1,024 bytes.
   * @throws InvalidFieldError if `after` is not such a duration.
   */
  constructor(
    readonly after?: Duration,
    readonly reason = "",
  ) {
    super();
    if (after !== undefined && toMilliseconds(after, "after") > RETRY_AFTER_MS_MAX) {
      throw new InvalidFieldError([{ field: "after", description: "is longer than 1 day" }]);
    }
  }
}

/** The event is parked: it is not delivered until it is replayed. */
export class Park extends Outcome {
  /** @param reason Stored with the parked event; cut to 1,024 bytes. */
  constructor(readonly reason: string) {
    super();
  }
}

/**
 * The event is returned to the group at once, and the attempt does not count. For the toolkit: a handler that returns
 * it without a pause would get the event again at once.
 */
export class Release extends Outcome {}

/** Returns the outcome that a handler asks for by what it returns. */
export function outcomeOf(returned: unknown): Outcome {
  return returned instanceof Outcome ? returned : new Ack();
}

/** Returns the outcome of a handler that throws. */
export function outcomeOfError(thrown: unknown): Outcome {
  if (thrown instanceof Outcome) {
    return thrown;
  }
  return new Retry(undefined, thrown instanceof Error ? thrown.message || thrown.name : String(thrown));
}

/** Returns a reason, cut to the maximum length at the boundary of a character. */
export function cutReason(reason: string): string {
  const bytes = Buffer.from(reason.toWellFormed());
  let end = Math.min(bytes.length, REASON_BYTES_MAX);
  // A byte 10xxxxxx continues a character.
  while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) {
    end -= 1;
  }
  return bytes.toString("utf8", 0, end);
}
