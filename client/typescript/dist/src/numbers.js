/**
 * Converts 64-bit numbers of the protocol to JavaScript numbers.
 *
 * Positions and revisions are dense and count from 1 and 0: at a million events per second, 2^53 of them last 285
 * years. So a `number` holds them all exactly and, unlike a `bigint`, works in JSON, arithmetic and database drivers.
 * A value above 2^53 - 1 indicates a fault, and is a ProtocolError rather than a rounded number.
 */
import { InvalidFieldError, ProtocolError } from "./errors.js";
/** Converts a number from the protocol, exactly. */
export function toNumber(value) {
    const number = Number(value);
    if (number > Number.MAX_SAFE_INTEGER) {
        throw new ProtocolError(`${String(value)} is beyond 2^53 - 1`);
    }
    return number;
}
/**
 * Converts a number to the protocol. Throws an InvalidFieldError that names it if it is not a whole number from 0 to
 * 2^53 - 1.
 */
export function toBigInt(value, name) {
    if (!Number.isSafeInteger(value) || value < 0) {
        throw new InvalidFieldError([
            { field: name, description: `must be a whole number from 0 to 2^53 - 1, not ${String(value)}` },
        ]);
    }
    return BigInt(value);
}
//# sourceMappingURL=numbers.js.map