/** Durations of options and settings, as objects that name their units. */
import { create } from "@bufbuild/protobuf";
import { type Duration as PbDuration, DurationSchema } from "@bufbuild/protobuf/wkt";

import { InvalidFieldError } from "./errors.js";
import { toBigInt, toNumber } from "./numbers.js";

/** A duration: the sum of its fields. Give one or more of them, each 0 or more: `{ seconds: 5 }`, `{ days: 30 }`. */
export interface Duration {
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
  readonly milliseconds?: number;
}

const MILLISECONDS_OF: Readonly<Record<keyof Duration, number>> = {
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1_000,
  milliseconds: 1,
};

/**
 * Returns the duration in milliseconds.
 *
 * @param name The option that holds it, for the error.
 * @throws InvalidFieldError if it has no field, an unknown field, or one that is not a number of 0 or more.
 */
export function toMilliseconds(duration: Duration, name: string): number {
  const fields = Object.entries(duration) as [string, unknown][];
  let sum = 0;
  for (const [unit, count] of fields) {
    const factor = Object.hasOwn(MILLISECONDS_OF, unit) ? MILLISECONDS_OF[unit as keyof Duration] : undefined;
    if (factor === undefined || typeof count !== "number" || !(count >= 0)) {
      throw invalid(name, duration);
    }
    sum += count * factor;
  }
  if (fields.length === 0) {
    throw invalid(name, duration);
  }
  return sum;
}

/** Converts to the protocol. */
export function toPbDuration(duration: Duration, name: string): PbDuration {
  const milliseconds = toMilliseconds(duration, name);
  const seconds = Math.floor(milliseconds / 1_000);
  return create(DurationSchema, {
    seconds: toBigInt(seconds, name),
    nanos: Math.floor((milliseconds - seconds * 1_000) * 1_000_000),
  });
}

/** Converts from the protocol, to milliseconds. */
export function fromPbDuration(duration: PbDuration | undefined): number {
  return duration === undefined ? 0 : toNumber(duration.seconds) * 1_000 + duration.nanos / 1_000_000;
}

function invalid(name: string, duration: Duration): InvalidFieldError {
  const shown = typeof duration === "object" ? JSON.stringify(duration) : String(duration);
  const description = `must be a duration of 0 or more, such as { seconds: 5 } or { days: 30 }, not ${shown}`;
  return new InvalidFieldError([{ field: name, description }]);
}
