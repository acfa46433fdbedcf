/**
 * The deliveries that a consumer holds: queued ones, and those that are handled.
 *
 * 1. Deliveries with the same order key are a lane, in which at most one is handled at a time, in order.
 * 2. After a nack, nothing of the lane is started until the server has answered it: the later ones of the lane may have
 *    been sent before the server knew of the nack. It then withdraws those that come again.
 * 3. Withdrawn deliveries are dropped. One that is handled already blocks its lane until its handler has ended, also on
 *    a later connection: the event may come again meanwhile.
 * 4. Bounded: a server never sends more than the permits, and what is withdrawn is not kept.
 */
import type { RecordedEvent } from "./events.js";
import type { GroupMode } from "./group.js";

/** How a group distributes its events to this consumer. */
export interface Ordering {
  readonly mode: GroupMode;
  /** Empty: ordered by stream. */
  readonly orderByTagPrefix: string;
}

/** A delivery. */
export interface Held {
  readonly id: bigint;
  readonly attempt: number;
  readonly event: RecordedEvent;
  readonly lane: Lane;
  /** When its ack timeout began, in milliseconds. */
  since: number;
  /** Whether the consumer no longer holds it, so that it can't be settled. */
  withdrawn: boolean;
  /** Whether it was withdrawn because it, or an earlier one of its lane, exceeded the ack timeout. */
  overdue: boolean;
}

/** The deliveries with the same order key. */
interface Lane {
  readonly key: string;
  queue: Held[];
  /** The delivery that is handled. */
  running: Held | undefined;
  /** The nacked delivery whose answer is awaited. */
  nacked: bigint | undefined;
}

/** The deliveries of one consumer. */
export class DeliveryQueue {
  /** The deliveries of the current connection that are not settled, by their ids. */
  readonly #held = new Map<bigint, Held>();
  readonly #lanes = new Map<string, Lane>();
  /** Lanes whose next delivery can be started, in the order in which they became ready. */
  readonly #ready = new Set<Lane>();
  /** Lanes that wait for the answer to a nack, by the id of the nacked delivery. */
  readonly #nacked = new Map<bigint, Lane>();

  /** Number of deliveries that are queued or handled, and not withdrawn. */
  get size(): number {
    return this.#held.size;
  }

  /** Adds a delivery. */
  add({ id, attempt, event, since }: Pick<Held, "id" | "attempt" | "event" | "since">, ordering: Ordering): void {
    const key = orderKey(event, ordering) ?? `delivery ${String(id)}`;
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { key, queue: [], running: undefined, nacked: undefined };
      this.#lanes.set(key, lane);
    }
    const held = { id, attempt, event, lane, since, withdrawn: false, overdue: false };
    this.#held.set(id, held);
    lane.queue.push(held);
    this.#update(lane);
  }

  /** Returns the next delivery to handle; undefined if there is none at the moment. */
  start(): Held | undefined {
    for (const lane of this.#ready) {
      const held = lane.queue.shift();
      lane.running = held;
      this.#update(lane);
      return held;
    }
    return undefined;
  }

  /** Ends the handling of a delivery. With `nacked`, its lane waits for the server's answer, unless it is unordered. */
  finish(held: Held, nacked: boolean): void {
    const { lane } = held;
    lane.running = undefined;
    if (!held.withdrawn) {
      this.#held.delete(held.id);
      if (nacked && !lane.key.startsWith("delivery ")) {
        lane.nacked = held.id;
        this.#nacked.set(held.id, lane);
      }
    }
    this.#update(lane);
  }

  /** Drops deliveries that the server has withdrawn, and takes it as the answer to their nacks. */
  withdraw(ids: readonly bigint[], isOverdue: boolean): void {
    const lanes = new Set<Lane>();
    for (const id of ids) {
      const held = this.#held.get(id);
      if (held !== undefined) {
        held.withdrawn = true;
        held.overdue = isOverdue;
        this.#held.delete(id);
        lanes.add(held.lane);
      }
      const lane = this.#nacked.get(id);
      if (lane !== undefined) {
        this.#nacked.delete(id);
        lane.nacked = undefined;
        lanes.add(lane);
      }
    }
    for (const lane of lanes) {
      lane.queue = lane.queue.filter(({ withdrawn }) => !withdrawn);
      this.#update(lane);
    }
  }

  /** Drops everything at the end of a connection. Nothing of it can be settled any more. */
  clear(): void {
    for (const held of this.#held.values()) {
      held.withdrawn = true;
    }
    this.#held.clear();
    this.#nacked.clear();
    for (const lane of [...this.#lanes.values()]) {
      lane.queue = [];
      lane.nacked = undefined;
      this.#update(lane);
    }
  }

  /** Whether a delivery is held. */
  isHeld(id: bigint): boolean {
    return this.#held.has(id);
  }

  /**
   * Returns the ids of the queued deliveries, whose ack timeouts begin again, except those that wait for a withdrawn
   * one: its handler has exceeded the ack timeout, and they must not wait for it longer than that.
   */
  extend(now: number): bigint[] {
    const ids: bigint[] = [];
    for (const { queue, running } of this.#lanes.values()) {
      if (running?.withdrawn !== true) {
        for (const held of queue) {
          held.since = now;
          ids.push(held.id);
        }
      }
    }
    return ids;
  }

  /** Whether a delivery is handled that is not withdrawn. */
  get isHandling(): boolean {
    for (const { running } of this.#lanes.values()) {
      if (running?.withdrawn === false) return true;
    }
    return false;
  }

  /** Lists a lane as ready or not, and forgets it if nothing is left of it. */
  #update(lane: Lane): void {
    const isFree = lane.running === undefined && lane.nacked === undefined;
    if (isFree && lane.queue.length > 0) {
      this.#ready.add(lane);
      return;
    }
    this.#ready.delete(lane);
    if (isFree) {
      this.#lanes.delete(lane.key);
    }
  }
}

/** Returns the key of the events with which an event is ordered; undefined if it is not ordered. */
export function orderKey({ stream, tags }: RecordedEvent, ordering: Ordering): string | undefined {
  switch (ordering.mode) {
    case "unordered":
      return undefined;
    case "exclusive":
      return "all";
    case "ordered": {
      const { orderByTagPrefix: prefix } = ordering;
      const tag = prefix === "" ? undefined : tags.find((one) => one.startsWith(prefix));
      return `order ${tag ?? stream}`;
    }
  }
}
