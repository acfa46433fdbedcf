/** Repeats decisions after conflicts: a bounded number of times, with growing, jittered pauses. */
import { AnnalsError } from "../errors.js";
import { sleep } from "../retry.js";
/** Repeats the body while it fails with a conflict and the policy allows; then throws the conflict. */
export async function retryConflicts(policy, signal, body) {
    const { triesMax = 10, pauseFirstMs = 10, pauseMaxMs = 500 } = policy;
    for (let tries = 1;; tries += 1) {
        try {
            return await body();
        }
        catch (error) {
            if (!(error instanceof AnnalsError) || !error.conflict || tries >= triesMax) {
                throw error;
            }
            await sleep(Math.random() * Math.min(pauseFirstMs * 2 ** (tries - 1), pauseMaxMs), signal);
        }
    }
}
//# sourceMappingURL=conflict.js.map