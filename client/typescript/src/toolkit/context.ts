/**
 * Where an event comes from, kept with it: which request (correlation), which event or command it follows (causation), on
 * whose behalf, and in which trace (W3C Trace Context). It flows by itself, with AsyncLocalStorage: what is appended within
 * `inContext` bears it, and a reaction to an event runs in the context of that event.
 *
 * In the store it is JSON metadata, under names that are the same in every language:
 * `correlationId`, `causationId`, `userId`, `traceparent`, `tracestate`; and, from schemas, `schemaVersion`.
 *
 * Each append has a span id of its own within the trace. If OpenTelemetry is in use, the trace is that of its active span;
 * otherwise that of the context. A traceparent of another form than the specification's is not stored.
 */
import { AsyncLocalStorage } from "node:async_hooks";

import type { RecordedEvent } from "../events.js";
import { nameId, newId } from "../uuid.js";
import { activeTrace, childOf } from "./trace.js";

/** Where what happens now comes from. */
export interface Context {
  /** The same for all that one request, however far, has led to. */
  readonly correlationId?: string;
  /** The id of the event, or of the command, that led to this directly. */
  readonly causationId?: string;
  /** On whose behalf. */
  readonly userId?: string;
  /** W3C Trace Context: `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`. */
  readonly traceparent?: string;
  /** W3C Trace Context, what vendors add. */
  readonly tracestate?: string;
}

/** What holds now: the context, and in a process manager the ids of its commands. */
interface Scope {
  readonly context: Context;
  /** Whether the context is already that of an append, with a span of its own. */
  readonly appending: boolean;
  readonly reaction: CommandIds | undefined;
}

const storage = new AsyncLocalStorage<Scope>();

const NAMES = {
  correlationId: "correlationId",
  causationId: "causationId",
  userId: "userId",
  traceparent: "traceparent",
  tracestate: "tracestate",
} as const satisfies Record<keyof Context, string>;

/** The context that holds now; empty outside of `inContext`. */
export function currentContext(): Context {
  return storage.getStore()?.context ?? {};
}

/**
 * Runs the body in this context: what it appends bears it, over every await. What is not given is taken from the context
 * outside; a correlation id is made, if there is none at all.
 *
 * @example
 * app.use((request, response, next) => inContext({ userId: request.user, traceparent: request.get("traceparent") }, next));
 */
export function inContext<T>(context: Context, body: () => T): T {
  const outside = currentContext();
  const given = Object.fromEntries(Object.entries(context).filter(([, value]) => value !== undefined));
  const inside = { correlationId: outside.correlationId ?? newId(), ...outside, ...given };
  return storage.run({ context: inside, appending: false, reaction: storage.getStore()?.reaction }, body);
}

/** The context for the metadata of events that are appended now. */
export function contextOfAppend(): Context {
  const scope = storage.getStore();
  return scope?.appending === true ? scope.context : withSpan(scope?.context ?? {});
}

/** The context with the trace that holds now, and a new span. */
function withSpan({ traceparent, tracestate, ...rest }: Context): Context {
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
 * Runs a command in the context that holds now: one with a correlation id, caused by the command, if by nothing else, and with a
 * span of its own.
 */
export function inContextOfCommand<T>(commandId: string | undefined, body: () => T): T {
  const now = currentContext();
  const { correlationId = commandId ?? newId(), causationId = commandId } = now;
  const context = withSpan({ ...now, correlationId, ...(causationId !== undefined && { causationId }) });
  return storage.run({ context, appending: true, reaction: storage.getStore()?.reaction }, body);
}

/** Runs the body as a reaction to this event: the same correlation, user and trace, caused by the event. Its appends are spans of the trace. */
export function inContextOf<T>(event: RecordedEvent, body: () => T): T {
  return inReaction(event, undefined, body);
}

/** The same for a process manager, whose commands have ids that follow from its name and the event. */
export function inReaction<T>(event: RecordedEvent, reaction: CommandIds | undefined, body: () => T): T {
  const { correlationId = event.id, ...rest } = contextOf(event);
  return storage.run(
    { context: { ...rest, correlationId, causationId: event.id }, appending: false, reaction },
    body,
  );
}

/** The id of the next command to this stream (`""`: to several), in a process manager; undefined elsewhere. */
export function nextCommandId(stream: string): string | undefined {
  return storage.getStore()?.reaction?.nextCommandId(stream);
}

/**
 * The ids of the commands of one reaction of a process manager to one event, the same whenever the reaction runs, and in
 * every language: UUIDv5 of `<stream>/<n>`, the nth command (from 0) to that stream, under UUIDv5 of the process's name,
 * under the event's id.
 */
export class CommandIds {
  readonly #seed: string;
  readonly #given = new Map<string, number>();

  constructor(process: string, eventId: string) {
    this.#seed = nameId(eventId, process);
  }

  /** The id of the next command to this stream. */
  nextCommandId(stream: string): string {
    const nth = this.#given.get(stream) ?? 0;
    this.#given.set(stream, nth + 1);
    return this.idOf(`${stream}/${nth}`);
  }

  /** An id for something else that the reaction does. */
  idOf(name: string): string {
    return nameId(this.#seed, name);
  }
}

/** The context that an event bears; empty if its metadata is none or is not JSON. */
export function contextOf(event: RecordedEvent): Context {
  const metadata = metadataOf(event);
  const entries = Object.entries(NAMES).flatMap(([name, stored]) => {
    const value = metadata[stored];
    return typeof value === "string" ? [[name, value]] : [];
  });
  return Object.fromEntries(entries) as Context;
}

/** The context as metadata, as it stands in the store. */
export function toMetadata(context: Context): Record<string, string> {
  const entries = Object.entries(NAMES).flatMap(([name, stored]) => {
    const value = context[name as keyof Context];
    return value === undefined ? [] : [[stored, value]];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}

/** The event's metadata, if it is a JSON object; otherwise an empty one. */
export function metadataOf(event: RecordedEvent): Record<string, unknown> {
  try {
    const metadata = event.metadataJson();
    return typeof metadata === "object" && metadata !== null ? (metadata as Record<string, unknown>) : {};
  } catch {
    // Metadata is JSON by convention only.
    return {};
  }
}
