/** W3C Trace Context: the trace that an append belongs to. */
import { randomBytes } from "node:crypto";

/** The fields of https://www.w3.org/TR/trace-context/, version 00; later versions may have more. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** The same trace with a new span; undefined if this is not a traceparent. */
export function childOf(traceparent: string | undefined): string | undefined {
  const [, version, trace, , flags] = TRACEPARENT.exec(traceparent ?? "") ?? [];
  if (version === undefined || trace === undefined || flags === undefined || version === "ff") {
    return undefined;
  }
  return [version, trace, randomBytes(8).toString("hex"), flags].join("-");
}

/** A trace, as headers have it. */
export interface Trace {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** What @opentelemetry/api keeps under a global symbol, so that every copy of it in a process has the same. */
interface OpenTelemetry {
  readonly context?: { active(): unknown };
  readonly propagation?: {
    inject(
      context: unknown,
      carrier: Map<string, string>,
      setter: { set(carrier: Map<string, string>, key: string, value: string): void },
    ): void;
  };
}

/** The trace of OpenTelemetry's active span, if the program uses OpenTelemetry (1.x) and has one. */
export function activeTrace(): Trace | undefined {
  const api = (globalThis as Record<symbol, unknown>)[Symbol.for("opentelemetry.js.api.1")] as
    OpenTelemetry | undefined;
  if (api?.context === undefined || api.propagation === undefined) {
    return undefined;
  }
  const headers = new Map<string, string>();
  api.propagation.inject(api.context.active(), headers, { set: (carrier, key, value) => carrier.set(key, value) });
  const [traceparent, tracestate] = [headers.get("traceparent"), headers.get("tracestate")];
  return traceparent === undefined ? undefined : { traceparent, ...(tracestate !== undefined && { tracestate }) };
}
