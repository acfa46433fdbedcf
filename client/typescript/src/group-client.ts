/** The operations on consumer groups, a part of the client. */
import { METHODS } from "./call.js";
import { type ConsumeOptions, Consumer } from "./consumer.js";
import type { DeliveryHandler } from "./delivery.js";
import {
  fromPbGroup,
  fromPbParked,
  fromPbStatus,
  type Group,
  type GroupSettings,
  type GroupStart,
  type GroupStatus,
  type ParkedEvent,
  type ParkedSelection,
  toPbSelection,
  toPbSettings,
  toPbStart,
} from "./group.js";
import { toBigInt, toNumber } from "./numbers.js";
import type { CallOptions } from "./options.js";
import { StateClient } from "./state-client.js";

/** Number of entries in a page of an iteration, from the protocol. */
const PAGE_ENTRIES_MAX = 1_000;

/** The operations on consumer groups; Client extends it. */
export abstract class GroupClient extends StateClient {
  /**
   * Creates a group. If it exists with the same settings, returns it as it is.
   *
   * @param options `start`: where it starts, `"beginning"` unless given.
   * @throws GroupExistsError, InvalidFieldError, PositionBeyondHeadError.
   *
   * @example
   * await client.createGroup("shipping", { query: { streamPrefixes: ["order-"] }, maxAttempts: 5 });
   */
  async createGroup(
    name: string,
    settings: GroupSettings = {},
    options: CallOptions & { readonly start?: GroupStart } = {},
  ): Promise<Group> {
    const { start = "beginning" } = options;
    const request = { name, settings: toPbSettings(settings), start: toPbStart(start) };
    return fromPbGroup((await this.call(METHODS.createGroup, request, options)).group);
  }

  /**
   * Replaces the settings of a group, as a whole. Events in flight are withdrawn and delivered again.
   *
   * @param options `expectedVersion`: the version on which the change is based. Any unless given.
   * @throws GroupNotFoundError, VersionConflictError, InvalidFieldError.
   */
  async updateGroup(
    name: string,
    settings: GroupSettings,
    options: CallOptions & { readonly expectedVersion?: number } = {},
  ): Promise<Group> {
    const { expectedVersion } = options;
    const request = {
      name,
      settings: toPbSettings(settings),
      ...(expectedVersion !== undefined && { expectedVersion: toBigInt(expectedVersion, "expectedVersion") }),
    };
    return fromPbGroup((await this.call(METHODS.updateGroup, request, options)).group);
  }

  /**
   * Deletes a group with its progress and its parked events, and ends its consumers. Returns whether there was one.
   *
   * @throws InvalidFieldError.
   */
  async deleteGroup(name: string, options: CallOptions = {}): Promise<boolean> {
    return (await this.call(METHODS.deleteGroup, { name }, options)).deleted;
  }

  /**
   * Lists the groups whose names begin with a prefix, in the order of their names' bytes. Pages are fetched as needed.
   */
  async *listGroups(prefix = "", options: CallOptions = {}): AsyncGenerator<Group, void, undefined> {
    let afterName = "";
    let hasMore = true;
    while (hasMore) {
      const request = { namePrefix: prefix, afterName, pageSize: PAGE_ENTRIES_MAX };
      const page = await this.call(METHODS.listGroups, request, options);
      for (const group of page.groups) {
        yield fromPbGroup(group);
      }
      afterName = page.groups.at(-1)?.name ?? "";
      hasMore = page.hasMore && afterName !== "";
    }
  }

  /**
   * Returns a group with its progress and its consumers.
   *
   * @throws GroupNotFoundError.
   */
  async describeGroup(name: string, options: CallOptions = {}): Promise<GroupStatus> {
    return fromPbStatus(await this.call(METHODS.describeGroup, { name }, options));
  }

  /**
   * Continues a group at another place, and returns the position after which that is. Events in flight are withdrawn;
   * parked events stay parked.
   *
   * @throws GroupNotFoundError, PositionBeyondHeadError.
   */
  async resetGroup(name: string, start: GroupStart, options: CallOptions = {}): Promise<number> {
    return toNumber((await this.call(METHODS.resetGroup, { name, start: toPbStart(start) }, options)).position);
  }

  /**
   * Lists the parked events of a group, in the order of their positions. Pages are fetched as needed.
   *
   * @param options `stream`: only events of this stream; `after`: only events after this position; `includeEvents`:
   *   whether to return the events themselves; `pageSize`: maximum number of events of a page, 1 to 1,000, 1,000 unless
   *   given.
   * @throws GroupNotFoundError, InvalidFieldError.
   */
  async *listParked(
    group: string,
    options: CallOptions & {
      readonly stream?: string;
      readonly after?: number;
      readonly includeEvents?: boolean;
      readonly pageSize?: number;
    } = {},
  ): AsyncGenerator<ParkedEvent, void, undefined> {
    const { stream = "", after = 0, includeEvents = false, pageSize = PAGE_ENTRIES_MAX } = options;
    let afterPosition = toBigInt(after, "after");
    let hasMore = true;
    while (hasMore) {
      const request = { group, stream, afterPosition, pageSize, includeEvents };
      const page = await this.call(METHODS.listParked, request, options);
      for (const parked of page.events) {
        yield fromPbParked(parked);
      }
      const last = page.events.at(-1);
      hasMore = page.hasMore && last !== undefined;
      afterPosition = last?.position ?? 0n;
    }
  }

  /**
   * Delivers parked events again, in the order of their positions. Returns how many.
   *
   * @param options `toGroup`: the group that gets them, the same one unless given.
   * @throws GroupNotFoundError, InvalidFieldError.
   */
  async replayParked(
    group: string,
    selection: ParkedSelection,
    options: CallOptions & { readonly toGroup?: string } = {},
  ): Promise<number> {
    const request = { group, selection: toPbSelection(selection), toGroup: options.toGroup ?? "" };
    return toNumber((await this.call(METHODS.replayParked, request, options)).count);
  }

  /**
   * Discards parked events. Returns how many.
   *
   * @throws GroupNotFoundError, InvalidFieldError.
   */
  async discardParked(group: string, selection: ParkedSelection, options: CallOptions = {}): Promise<number> {
    const request = { group, selection: toPbSelection(selection) };
    return toNumber((await this.call(METHODS.discardParked, request, options)).count);
  }

  /**
   * Consumes the events of a group with a handler, until the consumer is stopped. Lost connections are resumed.
   *
   * The handler's result decides what becomes of the event: nothing or an Ack, it is done; an error, it is delivered
   * again after the group's delay, with the error's text as the reason; and see Retry, Park and Skip. Events of one
   * stream (or of one tag, or all, as the group orders them) are processed one after the other. An event can be
   * delivered more than once.
   *
   * The consumer's `ended` rejects with a GroupNotFoundError, also if the group is deleted, a ConsumerReplacedError or
   * an InvalidFieldError.
   */
  consume(group: string, handler: DeliveryHandler, options: ConsumeOptions = {}): Consumer {
    return new Consumer(this.shared, group, handler, options);
  }
}
