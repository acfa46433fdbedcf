/** Repeats decisions after conflicts: a bounded number of times, with growing, jittered pauses. */
import { AnnalsError, EventIdConflictError } from "./errors.js";
import { sleep } from "./retry.js";

/** How often a decision is repeated, and after which pauses. */
export interface ConflictPolicy {
  /** Maximum number of attempts; 1 disables repeating. 10 unless given. */
  readonly triesMax?: number;
  /**
   * Maximum first pause, in milliseconds. Each pause is a random part of the maximum, which doubles each time. 10
   * unless given.
   */
  readonly pauseFirstMs?: number;
  /** Maximum pause, in milliseconds. 500 unless given. */
  readonly pauseMaxMs?: number;
}

/** Repeats the body while it fails with a conflict and the policy allows; then throws the conflict. */
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
      if (!isConflict(error) || tries >= triesMax) {
        throw error;
      }
      await sleep(Math.random() * Math.min(pauseFirstMs * 2 ** (tries - 1), pauseMaxMs), signal);
    }
  }
}

/**
 * Whether to read and decide again. That includes a known event id: the same command was executed at the same time
 * with another decision, which the next attempt reads.
 */
function isConflict(error: unknown): boolean {
  return error instanceof EventIdConflictError || (error instanceof AnnalsError && error.conflict);
}
