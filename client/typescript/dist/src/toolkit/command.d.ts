/**
 * Idempotent commands. A command with an id takes effect once, however often it is executed: the ids of its events
 * are derived from it, and the events have the tag `command:<id>`. The toolkits of all languages do the same.
 */
import type { RecordedEvent } from "../events.js";
import type { EncodeOptions } from "./schema.js";
/** A command, with or without an id. */
export declare class Command {
    /** The command's id, a UUID in lower case. */
    readonly id: string | undefined;
    /** The tag of its events. */
    readonly tag: string | undefined;
    /**
     * @param stream The stream of the command, or `""` for several. In a process manager, a command without a given id
     *   gets one derived from it.
     */
    constructor(given: string | undefined, stream: string);
    /** Returns the id and the tags of the command's nth event, counted from 0. */
    encoding(nth: number): EncodeOptions;
    /** Whether the event was appended by this command. */
    ledTo(event: RecordedEvent): boolean;
    /** Runs the body in the command's context. */
    run<T>(body: () => T): T;
}
//# sourceMappingURL=command.d.ts.map