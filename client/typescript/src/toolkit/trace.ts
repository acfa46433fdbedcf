/** W3C Trace Context: the trace that an append belongs to. */
import { randomBytes } from "node:crypto";

/** The fields of https://www.w3.org/TR/trace-context/, version 00; later versions may have more. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Returns the same trace with a new span; undefined if this is not a traceparent. */
export function childOf(traceparent: string | undefined): string | undefined {
  const [, version, trace, , flags] = TRACEPARENT.exec(traceparent ?? "") ?? [];
  if (version === undefined || trace === undefined || flags === undefined || version === "ff") {
    return undefined;
  }
  return [version, trace, randomBytes(8).toString("hex"), flags].join("-");
}

/** A trace, in the form of HTTP headers. */
export interface Trace {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/**
 * The API object of @opentelemetry/api, stored under a global symbol so that all copies of the package in a process
 * share it.
 */
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

/**
 * Returns the trace of OpenTelemetry's active span; undefined if the program does not use OpenTelemetry (1.x) or has
 * no active span.
 */
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
