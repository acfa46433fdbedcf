/** Structured logs: one line of JSON for each command, each batch of a projection, and each problem. */
/** Writes one log line of a kind, with further fields. */
export type Log = (kind: "command" | "projection" | "problem" | "server", fields: Readonly<Record<string, unknown>>) => void;
/** Creates a log that writes lines. */
export declare function logTo(write: (line: string) => void): Log;
//# sourceMappingURL=log.d.ts.map