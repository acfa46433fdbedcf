/** Structured logs: one line of JSON for each command, each batch of a projection, and each problem. */
/** Creates a log that writes lines. */
export function logTo(write) {
    return (kind, fields) => {
        const level = kind === "problem" ? "error" : "info";
        write(`${JSON.stringify({ time: new Date().toISOString(), level, kind, ...fields })}\n`);
    };
}
//# sourceMappingURL=log.js.map