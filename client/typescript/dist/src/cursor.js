/** The progress of a subscription. */
import { ProtocolError } from "./errors.js";
import { fromPbEvent } from "./events.js";
import { toNumber } from "./numbers.js";
/** Tracks the last event or notice received, and rejects messages that are out of order. */
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
                return [{ kind: "caught-up", ...this.#scannedTo(content.value) }];
            case "fellBehind":
                return [{ kind: "fell-behind", ...this.#scannedTo(content.value), head: toNumber(content.value.head) }];
            case "checkpoint":
                // A checkpoint that is not larger than the last, from before a reconnect, is not reported again.
                return toNumber(content.value.position) <= this.#checkpoint
                    ? []
                    : [{ kind: "checkpoint", ...this.#scannedTo(content.value) }];
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
    /** Advances to the place of a notice, after which the next call begins. */
    #scannedTo(notice) {
        const position = toNumber(notice.position);
        const revision = notice.revision === undefined ? undefined : toNumber(notice.revision);
        this.#checkpoint = Math.max(this.#checkpoint, position);
        const place = this.byRevision ? revision : position;
        if (place !== undefined) {
            this.after = Math.max(this.after ?? 0, place);
        }
        return { position, revision };
    }
}
//# sourceMappingURL=cursor.js.map