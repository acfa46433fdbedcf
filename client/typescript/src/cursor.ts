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
  #told = 0;

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
        return [{ kind: "caught-up", position: this.#lookedAt(content.value.position) }];
      case "fellBehind":
        return [
          {
            kind: "fell-behind",
            position: this.#lookedAt(content.value.position),
            head: toNumber(content.value.head),
          },
        ];
      case "checkpoint":
        // One that was told before the connection broke, or a smaller one, is nothing new.
        return toNumber(content.value.position) <= this.#told
          ? []
          : [{ kind: "checkpoint", position: this.#lookedAt(content.value.position) }];
      case undefined:
        // Of a kind that this client does not know.
        return [];
    }
  }

  #takeEvent(event: RecordedEvent): SubscriptionItem {
    const place = this.byRevision ? event.revision : event.position;
    if (this.after !== undefined && place <= this.after) {
      throw new ProtocolError(`event ${place} came after ${this.after}`);
    }
    this.after = place;
    return { kind: "event", event };
  }

  #lookedAt(value: bigint): number {
    const position = toNumber(value);
    this.#told = Math.max(this.#told, position);
    if (!this.byRevision) {
      this.after = Math.max(this.after ?? 0, position);
    }
    return position;
  }
}
