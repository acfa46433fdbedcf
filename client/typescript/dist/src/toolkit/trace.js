/** W3C Trace Context: the trace that an append belongs to. */
import { randomBytes } from "node:crypto";
/** The fields of https://www.w3.org/TR/trace-context/, version 00; later versions may have more. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** Returns the same trace with a new span; undefined if this is not a traceparent. */
export function childOf(traceparent) {
    const [, version, trace, , flags] = TRACEPARENT.exec(traceparent ?? "") ?? [];
    if (version === undefined || trace === undefined || flags === undefined || version === "ff") {
        return undefined;
    }
    return [version, trace, randomBytes(8).toString("hex"), flags].join("-");
}
/**
 * Returns the trace of OpenTelemetry's active span; undefined if the program does not use OpenTelemetry (1.x) or has
 * no active span.
 */
export function activeTrace() {
    const api = globalThis[Symbol.for("opentelemetry.js.api.1")];
    if (api?.context === undefined || api.propagation === undefined) {
        return undefined;
    }
    const headers = new Map();
    api.propagation.inject(api.context.active(), headers, { set: (carrier, key, value) => carrier.set(key, value) });
    const [traceparent, tracestate] = [headers.get("traceparent"), headers.get("tracestate")];
    return traceparent === undefined ? undefined : { traceparent, ...(tracestate !== undefined && { tracestate }) };
}
//# sourceMappingURL=trace.js.map