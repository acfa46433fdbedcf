/** Deciding again when somebody else was faster: bounded, with pauses that grow and are jittered. */
import { AnnalsError } from "../errors.js";
import { sleep } from "../retry.js";

/** How often, and after which pauses, a decision is made again. */
export interface ConflictPolicy {
  /** The most decisions, 1 for none again. 10 unless given. */
  readonly triesMax?: number;
  /** The longest first pause, in milliseconds; a random part of it is waited, and of twice as much each time after. 10 unless given. */
  readonly pauseFirstMs?: number;
  /** The longest pause, in milliseconds. 500 unless given. */
  readonly pauseMaxMs?: number;
}

/** Runs the body again for as long as it fails with a conflict and the policy allows; then the conflict is thrown. */
export async function retryConflicts<T>(
  policy: ConflictPolicy,
  signal: AbortSignal | undefined,
  body: () => Promise<T>,
): Promise<T> {
  const { triesMax = 10, pauseFirstMs = 10, pauseMaxMs = 500 } = policy;
  for (let tries = 1; ; tries += 1) {
    try {
      return await body();
    } catch (error) {
      if (!(error instanceof AnnalsError) || !error.conflict || tries >= triesMax) {
        throw error;
      }
      await sleep(Math.random() * Math.min(pauseFirstMs * 2 ** (tries - 1), pauseMaxMs), signal);
    }
  }
}
