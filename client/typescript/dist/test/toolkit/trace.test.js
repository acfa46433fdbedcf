/** Tests of traces: an append belongs to the trace of the request, or of OpenTelemetry's active span. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { context, propagation, trace } from "@opentelemetry/api";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { Timestamp, RecordedEvent } from "../../src/index.js";
import { contextOf, currentContext, inContext, inContextOf } from "../../src/toolkit/index.js";
import { inContextOfCommand } from "../../src/toolkit/context.js";
import { orders } from "./orders.js";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;
after(() => {
    trace.disable();
    context.disable();
    propagation.disable();
});
/** Creates an event as an append at this point would. */
function appended() {
    const { id, type, data, metadata, tags } = orders.encode({ type: "OrderConfirmed", data: {} });
    return new RecordedEvent(id, "order-1", 0, 1, type, data, metadata, tags, Timestamp.now());
}
const spanOf = (event) => contextOf(event).traceparent?.split("-")[2];
test("each append has its own span in the trace of the request, and a reaction continues the trace", () => {
    inContext({ traceparent, tracestate: "vendor=1" }, () => {
        const events = [appended(), appended()];
        for (const event of events) {
            assert.match(contextOf(event).traceparent ?? "", new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
            assert.equal(contextOf(event).tracestate, "vendor=1");
        }
        assert.equal(new Set([...events.map(spanOf), "00f067aa0ba902b7"]).size, 3);
        inContextOf(events[0], () => {
            assert.equal(currentContext().traceparent, contextOf(events[0]).traceparent);
            assert.match(contextOf(appended()).traceparent ?? "", new RegExp(`^00-${TRACE}-(?!${spanOf(events[0])})[0-9a-f]{16}-01$`));
        });
    });
});
test("the events of a command are one append, with one span", () => {
    inContext({ traceparent }, () => {
        const spans = inContextOfCommand(undefined, () => [
            spanOf(appended()),
            spanOf(appended()),
            currentContext().traceparent?.split("-")[2],
        ]);
        assert.equal(new Set(spans).size, 1);
        assert.notEqual(spans[0], "00f067aa0ba902b7");
    });
});
test("an invalid traceparent is not stored", () => {
    for (const wrong of [
        "garbage",
        "00-abc-def-01",
        traceparent.toUpperCase(),
        `ff${traceparent.slice(2)}`,
        `${traceparent}x`,
        "",
    ]) {
        assert.equal(inContext({ traceparent: wrong }, () => contextOf(appended()).traceparent), undefined, wrong);
    }
    assert.equal(contextOf(appended()).traceparent, undefined);
    // A later version may have more, unknown fields.
    assert.match(inContext({ traceparent: `01${traceparent.slice(2)}-more` }, () => contextOf(appended()).traceparent) ?? "", new RegExp(`^01-${TRACE}-[0-9a-f]{16}-01$`));
});
test("the active span of OpenTelemetry is used", () => {
    new NodeTracerProvider().register();
    assert.match(inContext({ traceparent }, () => contextOf(appended()).traceparent) ?? "", new RegExp(TRACE), "without a span, the context's trace is used");
    trace.getTracer("test").startActiveSpan("request", (span) => {
        const { traceId, spanId } = span.spanContext();
        assert.equal(contextOf(appended()).traceparent, `00-${traceId}-${spanId}-01`);
        assert.equal(inContext({ traceparent }, () => contextOf(appended()).traceparent), `00-${traceId}-${spanId}-01`);
        span.end();
    });
});
//# sourceMappingURL=trace.test.js.map