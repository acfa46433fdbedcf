/** A duration: the sum of its fields. Give one or more of them, each 0 or more: `{ seconds: 5 }`, `{ days: 30 }`. */
export interface Duration {
    readonly days?: number;
    readonly hours?: number;
    readonly minutes?: number;
    readonly seconds?: number;
    readonly milliseconds?: number;
}
/**
 * Returns the duration in milliseconds.
 *
 * @param name The option that holds it, for the error.
 * @throws InvalidFieldError if it has no field, an unknown field, or one that is not a number of 0 or more.
 */
export declare function toMilliseconds(duration: Duration, name: string): number;
//# sourceMappingURL=duration.d.ts.map