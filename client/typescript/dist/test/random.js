/** Creates a source of numbers, and prints its seed in the test's output. */
export function seeded(context) {
    const seed = Number(process.env["ANNALS_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    context.diagnostic(`ANNALS_TEST_SEED=${seed}`);
    // mulberry32: short, and random enough to choose the time of a kill.
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let mixed = Math.imul(state ^ (state >>> 15), state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
}
//# sourceMappingURL=random.js.map