/** Reproducible random choices: the seed is printed, and can be set with `ANNALS_TEST_SEED`. */
import type { TestContext } from "node:test";
/** Returns a number from 0 to 1. */
export type Random = () => number;
/** Creates a source of numbers, and prints its seed in the test's output. */
export declare function seeded(context: TestContext): Random;
//# sourceMappingURL=random.d.ts.map