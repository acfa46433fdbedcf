/**
 * 64-bit numbers of the protocol as JavaScript numbers.
 *
 * Positions and revisions are dense and count from 1 and 0: at a million events a second, 2^53 of them take 285 years. So
 * a `number` holds them all exactly, and, other than a `bigint`, goes into JSON, arithmetic and database drivers as it is.
 * A value beyond 2^53 - 1 can only be a fault, and is a ProtocolError rather than a rounded number.
 */
import { InvalidFieldError, ProtocolError } from "./errors.js";

/** A number of the protocol, exactly. */
export function toNumber(value: bigint): number {
  const number = Number(value);
  if (number > Number.MAX_SAFE_INTEGER) {
    throw new ProtocolError(`${String(value)} is beyond 2^53 - 1`);
  }
  return number;
}

/** A number for the protocol. Throws an InvalidFieldError that names it, if it is not a whole number from 0 to 2^53 - 1. */
export function toBigInt(value: number, name: string): bigint {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new InvalidFieldError([
      { field: name, description: `must be a whole number from 0 to 2^53 - 1, not ${String(value)}` },
    ]);
  }
  return BigInt(value);
}
