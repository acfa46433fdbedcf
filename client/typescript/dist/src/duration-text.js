/** Returns a duration as error texts of every language show it: `300ms`, `10s`, `1.5s`. */
export function durationText(milliseconds) {
    return milliseconds < 1_000 ? `${milliseconds}ms` : `${milliseconds / 1_000}s`;
}
//# sourceMappingURL=duration-text.js.map