/** Converts a number from the protocol, exactly. */
export declare function toNumber(value: bigint): number;
/**
 * Converts a number to the protocol. Throws an InvalidFieldError that names it if it is not a whole number from 0 to
 * 2^53 - 1.
 */
export declare function toBigInt(value: number, name: string): bigint;
//# sourceMappingURL=numbers.d.ts.map