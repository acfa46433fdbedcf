/** The progress of a subscription. */
import { ProtocolError } from "./errors.js";
import { fromPbEvent } from "./events.js";
import { toNumber } from "./numbers.js";
/** Tracks the last event or checkpoint received, and rejects messages that are out of order. */
export class Cursor {
    byRevision;
    after;
    /** The largest checkpoint received. */
    #checkpoint = 0;
    constructor(byRevision, 
    /** The last position received, or the last revision for a stream. */
    after) {
        this.byRevision = byRevision;
        this.after = after;
    }
    /** Advances by the content of a message. */
    take({ content }) {
        switch (content.case) {
            case "events":
                return content.value.events.map((event) => this.#takeEvent(fromPbEvent(event)));
            case "caughtUp":
                return [{ kind: "caught-up", position: this.#scannedTo(content.value.position) }];
            case "fellBehind":
                return [
                    {
                        kind: "fell-behind",
                        position: this.#scannedTo(content.value.position),
                        head: toNumber(content.value.head),
                    },
                ];
            case "checkpoint":
                // A checkpoint that is not larger than the last, from before a reconnect, is not reported again.
                return toNumber(content.value.position) <= this.#checkpoint
                    ? []
                    : [{ kind: "checkpoint", position: this.#scannedTo(content.value.position) }];
            case undefined:
                // A kind of message that this client does not know.
                return [];
        }
    }
    #takeEvent(event) {
        const place = this.byRevision ? event.revision : event.position;
        const next = this.after === undefined ? (this.byRevision ? 0 : 1) : this.after + 1;
        if (place < next) {
            throw new ProtocolError(`received event ${place}, expected ${next} or a later one`);
        }
        this.after = place;
        return { kind: "event", event };
    }
    #scannedTo(value) {
        const position = toNumber(value);
        this.#checkpoint = Math.max(this.#checkpoint, position);
        if (!this.byRevision) {
            this.after = Math.max(this.after ?? 0, position);
        }
        return position;
    }
}
//# sourceMappingURL=cursor.js.map