/** Creates the described value. */
export declare function makeValue(description: unknown): unknown;
//# sourceMappingURL=values.d.ts.map