/** What a consumer reports to the server about its deliveries, collected until it can be sent. */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";

import { cutReason, type Outcome, Park, Release, Retry, Skip } from "./delivery.js";
import { toPbDuration } from "./duration.js";
import { ConsumeRequestSchema, type NackSchema } from "./generated/annals/v1/group_pb.js";

/** Maximum number of ids in a message. */
const MESSAGE_IDS_MAX = 1_000;

/** Settlements that are not sent yet. */
export class Settlements {
  #acks: bigint[] = [];
  #nacks: MessageInitShape<typeof NackSchema>[] = [];
  /** A set, so that a delivery is in it once, however often it is extended. */
  readonly #extensions = new Set<bigint>();
  #isAlive = false;

  /** Whether there is nothing to send. */
  get isEmpty(): boolean {
    return this.#acks.length + this.#nacks.length + this.#extensions.size === 0 && !this.#isAlive;
  }

  /** Settles a delivery. Returns whether the server answers with a withdrawal. */
  settle(id: bigint, outcome: Outcome): boolean {
    const nack = nackOf(id, outcome);
    if (nack === undefined) {
      this.#acks.push(id);
      return false;
    }
    this.#nacks.push(nack);
    return !(outcome instanceof Skip);
  }

  /** Extends deliveries. */
  extend(ids: readonly bigint[]): void {
    ids.forEach((id) => this.#extensions.add(id));
  }

  /** Sends a message even if it is empty, which shows the server that the consumer can process events again. */
  showAlive(): void {
    this.#isAlive = true;
  }

  /**
   * Returns the next message, encoded; undefined if there is nothing to send.
   *
   * @param isHeld Whether a delivery is still held. If it is not, it is not extended.
   */
  next(isHeld: (id: bigint) => boolean): Buffer | undefined {
    const acks = this.#acks.splice(0, MESSAGE_IDS_MAX);
    const nacks = this.#nacks.splice(0, MESSAGE_IDS_MAX - acks.length);
    const room = MESSAGE_IDS_MAX - acks.length - nacks.length;
    const extended = [...this.#extensions].slice(0, room);
    extended.forEach((id) => this.#extensions.delete(id));
    const extensions = extended.filter(isHeld);
    if (acks.length + nacks.length + extensions.length === 0 && !this.#isAlive) {
      return this.isEmpty ? undefined : this.next(isHeld);
    }
    this.#isAlive = false;
    return Buffer.from(toBinary(ConsumeRequestSchema, create(ConsumeRequestSchema, { acks, nacks, extensions })));
  }
}

/** Returns the nack of an outcome; undefined if it is an ack. */
function nackOf(id: bigint, outcome: Outcome): MessageInitShape<typeof NackSchema> | undefined {
  const deliveries = [id];
  if (outcome instanceof Retry) {
    const { after, reason } = outcome;
    const action = after && { case: "retryAfter" as const, value: toPbDuration(after, "after") };
    return { deliveries, reason: cutReason(reason), ...(action && { action }) };
  }
  if (outcome instanceof Park) {
    return { deliveries, reason: cutReason(outcome.reason), action: { case: "park", value: {} } };
  }
  if (outcome instanceof Skip) {
    return { deliveries, action: { case: "skip", value: {} } };
  }
  if (outcome instanceof Release) {
    return { deliveries, action: { case: "release", value: {} } };
  }
  return undefined;
}
