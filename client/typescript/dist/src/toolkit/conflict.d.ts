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
export declare function retryConflicts<T>(policy: ConflictPolicy, signal: AbortSignal | undefined, body: () => Promise<T>): Promise<T>;
//# sourceMappingURL=conflict.d.ts.map