/**
 * Subscriptions to state: the entries of a scope, then their changes, in the order of their versions, over any number
 * of connections. After a broken connection, a subscription resumes after the last version received, on any endpoint.
 */
import { type Answers, METHODS, requestOf, serverStream } from "./call.js";
import type { Picked } from "./connection.js";
import { ProtocolError } from "./errors.js";
import { Feed, type FeedOptions, type Followed } from "./feed.js";
import type { StateUpdate, SubscribeStateResponse } from "./generated/annals/v1/state_pb.js";
import { Batches, cancelWhenCollected, Flattened } from "./iteration.js";
import { toBigInt, toNumber } from "./numbers.js";
import type { Shared } from "./retry.js";
import { fromPbStateEntry, type StateEntry } from "./state.js";

/** An item of a subscription to state. */
export type StateSubscriptionItem =
  | {
      /** The entry was created, or has a new value. */
      readonly kind: "put";
      readonly entry: StateEntry;
    }
  | {
      /** The entry was deleted. The subscriber may never have received it. */
      readonly kind: "deletion";
      readonly key: string;
      /** The number of the scope's change that deleted it. */
      readonly version: number;
    }
  | {
      /**
       * All changes up to this version of the scope were sent; later ones are sent as they are made. Reported once, and
       * again after a reconnect.
       */
      readonly kind: "caught-up";
      /** It is safe to resume after it. */
      readonly version: number;
    }
  | {
      /** All changes up to this version were examined, and those that match the prefix were sent. It only increases. */
      readonly kind: "checkpoint";
      /** It is safe to resume after it. */
      readonly version: number;
    };

/** Selects the entries of a subscription to state, and its start. */
export interface SubscribeStateOptions extends FeedOptions {
  /** Returns only entries whose keys begin with this prefix. All unless given. */
  readonly prefix?: string;
  /**
   * Returns only changes after this version: the last one processed. Unless given, all current entries are returned
   * first.
   */
  readonly after?: number;
}

/**
 * A subscription to state, which begins when it is first used, and ends only with an error: to end it, leave the loop,
 * or abort its signal. It can be used once. A subscriber that is slower than the changes gets the latest value of each
 * key, not each change.
 *
 * @example
 * const known = new Map<string, unknown>();
 * for await (const item of client.subscribeState("settings")) {
 *   if (item.kind === "put") known.set(item.entry.key, item.entry.json());
 *   if (item.kind === "deletion") known.delete(item.key);
 * }
 */
export class StateSubscription implements AsyncIterable<StateSubscriptionItem>, Disposable {
  readonly #feed: Feed<SubscribeStateResponse, StateSubscriptionItem>;

  /** Called by Client.subscribeState. */
  constructor(shared: Shared, scope: string, options: SubscribeStateOptions) {
    this.#feed = new Feed(shared, options, new StateFollowed(scope, options.prefix ?? "", options.after));
    cancelWhenCollected(this, this.#feed);
  }

  /** Iterates the items in the batches in which they arrive. A batch is never empty. */
  batches(): AsyncGenerator<StateSubscriptionItem[], void, undefined> {
    return new Batches(this, this.#feed);
  }

  [Symbol.asyncIterator](): AsyncIterator<StateSubscriptionItem, undefined> {
    return new Flattened(new Batches(this, this.#feed));
  }

  /** Ends the subscription. Leaving a loop over it does the same. */
  close(): void {
    this.#feed.cancel();
  }

  /** Ends the subscription, like close. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** What a subscription to state asks for, and the last version received. */
class StateFollowed implements Followed<SubscribeStateResponse, StateSubscriptionItem> {
  /** The largest checkpoint received. */
  #checkpoint = 0;

  constructor(
    private readonly scope: string,
    private readonly keyPrefix: string,
    private after: number | undefined,
  ) {}

  begin(): Promise<void> {
    return Promise.resolve();
  }

  open(picked: Picked, signal: AbortSignal): Answers<SubscribeStateResponse> {
    const { scope, keyPrefix, after } = this;
    const start = after !== undefined && { afterVersion: toBigInt(after, "after") };
    const request = requestOf(METHODS.subscribeState, { scope, keyPrefix, ...start });
    return serverStream(picked, METHODS.subscribeState, request, signal);
  }

  take({ content }: SubscribeStateResponse): StateSubscriptionItem[] {
    switch (content.case) {
      case "updates":
        return content.value.updates.flatMap((update) => this.#takeUpdate(update));
      case "caughtUp":
        return [{ kind: "caught-up", version: this.#examinedTo(content.value) }];
      case "checkpoint":
        // A checkpoint that is not larger than the last, from before a reconnect, is not reported again.
        return toNumber(content.value) <= this.#checkpoint
          ? []
          : [{ kind: "checkpoint", version: this.#examinedTo(content.value) }];
      case undefined:
        // A kind of message that this client does not know.
        return [];
    }
  }

  #takeUpdate({ update }: StateUpdate): StateSubscriptionItem[] {
    switch (update.case) {
      case "put": {
        const entry = fromPbStateEntry(this.scope, update.value);
        this.#reach(entry.version);
        return [{ kind: "put", entry }];
      }
      case "deletion": {
        const version = toNumber(update.value.version);
        this.#reach(version);
        return [{ kind: "deletion", key: update.value.key, version }];
      }
      case undefined:
        // A kind of update that this client does not know.
        return [];
    }
  }

  #reach(version: number): void {
    const after = this.after ?? 0;
    if (version <= after) {
      throw new ProtocolError(`received version ${version} of a scope, expected ${after + 1} or a later one`);
    }
    this.after = version;
  }

  /** Advances to the version of a notice, after which the next call begins. */
  #examinedTo(notice: bigint): number {
    const version = toNumber(notice);
    this.#checkpoint = Math.max(this.#checkpoint, version);
    this.after = Math.max(this.after ?? 0, version);
    return version;
  }
}
