/** Where a subscription is: what was received, and what may come next. */
import { ProtocolError } from "./errors.js";
import { fromPbEvent, type RecordedEvent } from "./events.js";
import type { SubscribeAllResponse, SubscribeStreamResponse } from "./generated/annals/v1/event_store_pb.js";
import { toNumber } from "./numbers.js";
import type { SubscriptionItem } from "./subscription.js";

/** What the server sends. */
export type Message = SubscribeAllResponse | SubscribeStreamResponse;

/** How far a subscription has come, and what may come next. */
export class Cursor {
  /** The largest checkpoint that was told. */
  #checkpoint = 0;

  constructor(
    private readonly byRevision: boolean,
    /** The last position, or revision of a stream, that was received. */
    public after: number | undefined,
  ) {}

  /** Moves on by what a message holds. */
  take({ content }: Message): SubscriptionItem[] {
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
        // One that was told before the connection broke, or a smaller one, is nothing new.
        return toNumber(content.value.position) <= this.#checkpoint
          ? []
          : [{ kind: "checkpoint", position: this.#scannedTo(content.value.position) }];
      case undefined:
        // Of a kind that this client does not know.
        return [];
    }
  }

  #takeEvent(event: RecordedEvent): SubscriptionItem {
    const place = this.byRevision ? event.revision : event.position;
    const next = this.after === undefined ? (this.byRevision ? 0 : 1) : this.after + 1;
    if (place < next) {
      throw new ProtocolError(`received event ${place}, expected ${next} or a later one`);
    }
    this.after = place;
    return { kind: "event", event };
  }

  #scannedTo(value: bigint): number {
    const position = toNumber(value);
    this.#checkpoint = Math.max(this.#checkpoint, position);
    if (!this.byRevision) {
      this.after = Math.max(this.after ?? 0, position);
    }
    return position;
  }
}
