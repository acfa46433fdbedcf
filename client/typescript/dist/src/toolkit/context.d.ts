import type { RecordedEvent } from "../events.js";
/** The origin of the current operation. */
export interface Context {
    /** The same for everything that one request leads to, directly or indirectly. */
    readonly correlationId?: string;
    /** The id of the event or command that directly caused this. */
    readonly causationId?: string;
    /** The user on whose behalf it happens. */
    readonly userId?: string;
    /** W3C Trace Context: `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`. */
    readonly traceparent?: string;
    /** W3C Trace Context: vendor-specific data. */
    readonly tracestate?: string;
}
/** Returns the current context; empty outside of `inContext`. */
export declare function currentContext(): Context;
/**
 * Runs the body in this context, across every await. Fields that are not given are inherited from the surrounding
 * context; a correlation id is created if there is none.
 *
 * @example
 * app.use((request, response, next) =>
 *   inContext({ userId: request.user, traceparent: request.get("traceparent") }, next),
 * );
 */
export declare function inContext<T>(context: Context, body: () => T): T;
/** Returns the context for the metadata of events that are appended now. */
export declare function contextOfAppend(): Context;
/**
 * Runs a command in the current context, with a correlation id, the command as the cause unless there is another, and
 * its own span.
 */
export declare function inContextOfCommand<T>(commandId: string | undefined, body: () => T): T;
/**
 * Runs the body as a reaction to an event: with the same correlation, user and trace, and the event as the cause. Its
 * appends are spans of the trace.
 */
export declare function inContextOf<T>(event: RecordedEvent, body: () => T): T;
/** Runs the body as a reaction of a process manager, whose command ids are derived from its name and the event. */
export declare function inReaction<T>(event: RecordedEvent, reaction: CommandIds | undefined, body: () => T): T;
/** Returns the id of the next command to this stream (`""`: to several) in a process manager; undefined elsewhere. */
export declare function nextCommandId(stream: string): string | undefined;
/**
 * Generates the ids of the commands of one reaction of a process manager to one event. They are the same whenever the
 * reaction runs, and in every language: UUIDv5 of `<stream>/<n>`, the nth command (from 0) to that stream, in the
 * namespace of UUIDv5 of the process manager's name, in the namespace of the event's id.
 */
export declare class CommandIds {
    #private;
    constructor(process: string, eventId: string);
    /** Returns the id of the next command to this stream. */
    nextCommandId(stream: string): string;
    /** Returns an id for another effect of the reaction. */
    idOf(name: string): string;
}
/** Returns the context stored with an event; empty if it has no metadata, or if that is not JSON. */
export declare function contextOf(event: RecordedEvent): Context;
/** Converts a context to metadata. */
export declare function toMetadata(context: Context): Record<string, string>;
/** Returns the event's metadata if it is a JSON object, otherwise an empty object. */
export declare function metadataOf(event: RecordedEvent): Record<string, unknown>;
//# sourceMappingURL=context.d.ts.map