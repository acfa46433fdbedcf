import { isId, nameId } from "../uuid.js";
import { inContextOfCommand, nextCommandId } from "./context.js";
/** A command, with or without an id. */
export class Command {
    /** The command's id, a UUID in lower case. */
    id;
    /** The tag of its events. */
    tag;
    /**
     * @param stream The stream of the command, or `""` for several. In a process manager, a command without a given id
     *   gets one derived from it.
     */
    constructor(given, stream) {
        this.id = (given ?? nextCommandId(stream))?.toLowerCase();
        if (this.id !== undefined && !isId(this.id)) {
            throw new RangeError(`the command's id ${JSON.stringify(given)} must be a UUID, such as newId() makes`);
        }
        this.tag = this.id === undefined ? undefined : `command:${this.id}`;
    }
    /** Returns the id and the tags of the command's nth event, counted from 0. */
    encoding(nth) {
        return this.id === undefined || this.tag === undefined
            ? {}
            : { id: nameId(this.id, String(nth)), tags: [this.tag] };
    }
    /** Whether the event was appended by this command. */
    ledTo(event) {
        return this.tag !== undefined && event.tags.includes(this.tag);
    }
    /** Runs the body in the command's context. */
    run(body) {
        return inContextOfCommand(this.id, body);
    }
}
//# sourceMappingURL=command.js.map