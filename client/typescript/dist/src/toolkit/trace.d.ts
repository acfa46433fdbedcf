/** Returns the same trace with a new span; undefined if this is not a traceparent. */
export declare function childOf(traceparent: string | undefined): string | undefined;
/** A trace, in the form of HTTP headers. */
export interface Trace {
    readonly traceparent: string;
    readonly tracestate?: string;
}
/**
 * Returns the trace of OpenTelemetry's active span; undefined if the program does not use OpenTelemetry (1.x) or has
 * no active span.
 */
export declare function activeTrace(): Trace | undefined;
//# sourceMappingURL=trace.d.ts.map