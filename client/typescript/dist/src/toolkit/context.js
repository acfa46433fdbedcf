/**
 * The origin of an event, stored with it: the request (correlation), the event or command that caused it (causation),
 * the user, and the trace (W3C Trace Context). It propagates through AsyncLocalStorage: events appended within
 * `inContext` have its context, and a reaction to an event runs in the context of that event.
 *
 * It is stored as JSON metadata, under names that are the same in every language: `correlationId`, `causationId`,
 * `userId`, `traceparent`, `tracestate`; and, from schemas, `schemaVersion`.
 *
 * Each append has its own span id within the trace. If OpenTelemetry is used, the trace is that of its active span,
 * otherwise that of the context. A traceparent that does not match the specification is not stored.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { nameId, newId } from "../uuid.js";
import { activeTrace, childOf } from "./trace.js";
const storage = new AsyncLocalStorage();
const NAMES = {
    correlationId: "correlationId",
    causationId: "causationId",
    userId: "userId",
    traceparent: "traceparent",
    tracestate: "tracestate",
};
/** Returns the current context; empty outside of `inContext`. */
export function currentContext() {
    return storage.getStore()?.context ?? {};
}
/**
 * Runs the body in this context, across every await. Fields that are not given are inherited from the surrounding
 * context; a correlation id is created if there is none.
 *
 * @example
 * app.use((request, response, next) =>
 *   inContext({ userId: request.user, traceparent: request.get("traceparent") }, next),
 * );
 */
export function inContext(context, body) {
    const outside = currentContext();
    const given = Object.fromEntries(Object.entries(context).filter(([, value]) => value !== undefined));
    const inside = { correlationId: outside.correlationId ?? newId(), ...outside, ...given };
    return storage.run({ context: inside, appending: false, reaction: storage.getStore()?.reaction }, body);
}
/** Returns the context for the metadata of events that are appended now. */
export function contextOfAppend() {
    const scope = storage.getStore();
    return scope?.appending === true ? scope.context : withSpan(scope?.context ?? {});
}
/** Returns the context with the current trace and a new span. */
function withSpan({ traceparent, tracestate, ...rest }) {
    const active = activeTrace();
    const trace = active?.traceparent ?? childOf(traceparent);
    const state = active === undefined ? tracestate : active.tracestate;
    return {
        ...rest,
        ...(trace !== undefined && { traceparent: trace }),
        ...(state !== undefined && { tracestate: state }),
    };
}
/**
 * Runs a command in the current context, with a correlation id, the command as the cause unless there is another, and
 * its own span.
 */
export function inContextOfCommand(commandId, body) {
    const now = currentContext();
    const { correlationId = commandId ?? newId(), causationId = commandId } = now;
    const context = withSpan({ ...now, correlationId, ...(causationId !== undefined && { causationId }) });
    return storage.run({ context, appending: true, reaction: storage.getStore()?.reaction }, body);
}
/**
 * Runs the body as a reaction to an event: with the same correlation, user and trace, and the event as the cause. Its
 * appends are spans of the trace.
 */
export function inContextOf(event, body) {
    return inReaction(event, undefined, body);
}
/** Runs the body as a reaction of a process manager, whose command ids are derived from its name and the event. */
export function inReaction(event, reaction, body) {
    const { correlationId = event.id, ...rest } = contextOf(event);
    return storage.run({ context: { ...rest, correlationId, causationId: event.id }, appending: false, reaction }, body);
}
/** Returns the id of the next command to this stream (`""`: to several) in a process manager; undefined elsewhere. */
export function nextCommandId(stream) {
    return storage.getStore()?.reaction?.nextCommandId(stream);
}
/**
 * Generates the ids of the commands of one reaction of a process manager to one event. They are the same whenever the
 * reaction runs, and in every language: UUIDv5 of `<stream>/<n>`, the nth command (from 0) to that stream, in the
 * namespace of UUIDv5 of the process manager's name, in the namespace of the event's id.
 */
export class CommandIds {
    #seed;
    #given = new Map();
    constructor(process, eventId) {
        this.#seed = nameId(eventId, process);
    }
    /** Returns the id of the next command to this stream. */
    nextCommandId(stream) {
        const nth = this.#given.get(stream) ?? 0;
        this.#given.set(stream, nth + 1);
        return this.idOf(`${stream}/${nth}`);
    }
    /** Returns an id for another effect of the reaction. */
    idOf(name) {
        return nameId(this.#seed, name);
    }
}
/** Returns the context stored with an event; empty if it has no metadata, or if that is not JSON. */
export function contextOf(event) {
    const metadata = metadataOf(event);
    const entries = Object.entries(NAMES).flatMap(([name, stored]) => {
        const value = metadata[stored];
        return typeof value === "string" ? [[name, value]] : [];
    });
    return Object.fromEntries(entries);
}
/** Converts a context to metadata. */
export function toMetadata(context) {
    const entries = Object.entries(NAMES).flatMap(([name, stored]) => {
        const value = context[name];
        return value === undefined ? [] : [[stored, value]];
    });
    return Object.fromEntries(entries);
}
/** Returns the event's metadata if it is a JSON object, otherwise an empty object. */
export function metadataOf(event) {
    try {
        const metadata = event.metadataJson();
        return typeof metadata === "object" && metadata !== null ? metadata : {};
    }
    catch {
        // Metadata is JSON only by convention.
        return {};
    }
}
//# sourceMappingURL=context.js.map