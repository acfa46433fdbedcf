/** Returns a duration as error texts of every language show it: `300ms`, `10s`, `1.5s`. */
export declare function durationText(milliseconds: number): string;
//# sourceMappingURL=duration-text.d.ts.map