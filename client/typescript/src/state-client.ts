/** The operations on state, a part of the client. */
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";

import { type Method, METHODS, requestOf, unary } from "./call.js";
import { type ConflictPolicy, retryConflicts } from "./conflict.js";
import { InvalidFieldError } from "./errors.js";
import { toNumber } from "./numbers.js";
import type { CallOptions } from "./options.js";
import type { Shared } from "./retry.js";
import {
  encodeValue,
  fromPbStateEntry,
  fromPbStatePage,
  fromPbStateWritten,
  type StateChange,
  type StateCheck,
  StateEntry,
  type StatePage,
  type StateWritten,
  toPbStateChange,
  toPbStateCheck,
} from "./state.js";
import { StateSubscription, type SubscribeStateOptions } from "./state-subscription.js";
import { isId, newId } from "./uuid.js";

/** Number of entries in a page of an iteration, from the protocol. */
const PAGE_ENTRIES_MAX = 1_000;

/** The operations on state; Client extends it. */
export abstract class StateClient {
  protected readonly shared: Shared;

  protected constructor(shared: Shared) {
    this.shared = shared;
  }

  /**
   * Returns an entry of state; undefined if there is none.
   *
   * @throws InvalidFieldError.
   */
  async getState(scope: string, key: string, options: CallOptions = {}): Promise<StateEntry | undefined> {
    return (await this.getStateWithVersion(scope, key, options)).entry;
  }

  /**
   * Returns an entry of state with the last version of its scope when it was read, which is 0 if nothing was ever
   * written to the scope. A subscription after that version returns what has changed since.
   *
   * @throws InvalidFieldError.
   */
  async getStateWithVersion(
    scope: string,
    key: string,
    options: CallOptions = {},
  ): Promise<{ readonly entry: StateEntry | undefined; readonly scopeVersion: number }> {
    const { entry, scopeVersion } = await this.call(METHODS.getState, { scope, key }, options);
    return {
      entry: entry === undefined ? undefined : fromPbStateEntry(scope, entry),
      scopeVersion: toNumber(scopeVersion),
    };
  }

  /**
   * Lists one page of the entries of a scope, in the order of their keys' bytes.
   *
   * @param options `prefix`: only keys that begin with it; `after`: only keys after this one, the last of the page
   *   before; `pageSize`: maximum number of entries, 1 to 1,000, 100 unless given. A page whose values are large may
   *   have fewer.
   * @throws InvalidFieldError.
   */
  async listState(
    scope: string,
    options: CallOptions & { readonly prefix?: string; readonly after?: string; readonly pageSize?: number } = {},
  ): Promise<StatePage> {
    const { prefix: keyPrefix = "", after: afterKey = "", pageSize } = options;
    const request = { scope, keyPrefix, afterKey, ...(pageSize !== undefined && { pageSize }) };
    return fromPbStatePage(scope, await this.call(METHODS.listState, request, options));
  }

  /**
   * Iterates the entries of a scope, in the order of their keys' bytes. Pages are fetched as needed, each as of its own
   * time: an entry that changes meanwhile is returned once at most, as it was or as it is.
   *
   * @throws InvalidFieldError.
   */
  async *stateEntries(
    scope: string,
    options: CallOptions & { readonly prefix?: string } = {},
  ): AsyncGenerator<StateEntry, void, undefined> {
    let page: StatePage | undefined;
    do {
      const after = page?.entries.at(-1)?.key;
      page = await this.listState(scope, {
        ...options,
        pageSize: PAGE_ENTRIES_MAX,
        ...(after !== undefined && { after }),
      });
      yield* page.entries;
    } while (page.hasMore);
  }

  /**
   * Changes entries of any number of scopes, all or none, if every check holds.
   *
   * The write is retried until the deadline. Every attempt sends the same id, so nothing is written twice. The caller
   * can do the same with an id of its own: after a DeadlineExceededError or an UnreachableError, make the same write
   * with the same id again. For a day, it then returns the first result (`alreadyWritten`).
   *
   * @param changes 1 to 1,000 changes of different entries.
   * @param options `checks`: all of which must hold, at most 1,000; `id`: a UUID, a new one unless given.
   * @throws ChecksFailedError, StateIdConflictError, InvalidFieldError, InvalidValueError, TooLargeError.
   *
   * @example
   * const entry = await client.getState("carts", "ada");
   * const expected = entry?.version ?? "absent";
   * await client.writeState([{ scope: "carts", key: "ada", put: { items: ["tea"] } }], {
   *   checks: [{ scope: "carts", key: "ada", expected }],
   * });
   */
  async writeState(
    changes: Iterable<StateChange>,
    options: CallOptions & { readonly checks?: Iterable<StateCheck>; readonly id?: string } = {},
  ): Promise<StateWritten> {
    const { checks = [], id = newId() } = options;
    if (!isId(id)) {
      throw new InvalidFieldError([{ field: "id", description: `must be a UUID, not ${JSON.stringify(id)}` }]);
    }
    const request = {
      id,
      changes: Array.from(changes, toPbStateChange),
      checks: Array.from(checks, toPbStateCheck),
    };
    return fromPbStateWritten(await this.call(METHODS.writeState, request, options));
  }

  /**
   * Changes an entry based on its current value. If another client changes the entry meanwhile, it is read and changed
   * again, so no change is lost.
   *
   * @param change Returns the new value for the current one (undefined if there is no entry), or undefined to delete
   *   the entry. Bytes are stored unchanged, anything else as JSON. The second argument is the entry, for its `json()`.
   *   It may be called several times.
   * @param options `conflicts`: how often it is repeated after a conflict, and after which pauses. `timeoutMs` applies
   *   to each read and each write.
   * @returns the entry as written; undefined if it was deleted, or if there was none.
   * @throws ChecksFailedError if the entry was changed during every attempt; InvalidFieldError, InvalidValueError,
   *   TooLargeError.
   *
   * @example
   * type Counter = { n: number };
   * await client.updateState("counters", "visits", (_, entry) => ({ n: (entry?.json<Counter>().n ?? 0) + 1 }));
   */
  updateState(
    scope: string,
    key: string,
    change: (value: Uint8Array | undefined, entry: StateEntry | undefined) => unknown,
    options: CallOptions & { readonly conflicts?: ConflictPolicy } = {},
  ): Promise<StateEntry | undefined> {
    const { conflicts = {}, ...call } = options;
    return retryConflicts(conflicts, options.signal, async () => {
      const entry = await this.getState(scope, key, call);
      const changed = await change(entry?.value, entry);
      return this.#replace({ scope, key }, entry, changed, call);
    });
  }

  /**
   * Subscribes to a scope, which need not exist yet: returns its entries, then their changes, in the order of their
   * versions.
   *
   * @throws StateVersionExpiredError if deletions after the version are no longer known, also if the subscriber is so
   *   slow that they are forgotten meanwhile; StateVersionBeyondEndError if `after` belongs to another store;
   *   InvalidFieldError; OverloadedError while the server has too many subscriptions.
   */
  subscribeState(scope: string, options: SubscribeStateOptions = {}): StateSubscription {
    return new StateSubscription(this.shared, scope, options);
  }

  /** Writes the new value of an entry that has not changed since it was read. */
  async #replace(
    name: { readonly scope: string; readonly key: string },
    entry: StateEntry | undefined,
    changed: unknown,
    options: CallOptions,
  ): Promise<StateEntry | undefined> {
    const { scope, key } = name;
    const checks = [{ ...name, expected: entry?.version ?? ("absent" as const) }];
    if (changed === undefined) {
      if (entry !== undefined) {
        await this.writeState([{ ...name, delete: true }], { ...options, checks });
      }
      return undefined;
    }
    const put = encodeValue(changed, scope, key);
    const { versions, changedAt } = await this.writeState([{ ...name, put }], { ...options, checks });
    return new StateEntry(scope, key, put, versions[0] ?? 0, changedAt);
  }

  /** Makes a unary call. */
  protected async call<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions,
  ): Promise<MessageShape<O>> {
    const message = requestOf(method, request);
    return this.shared.call(options, (picked, deadline) => unary(picked, method, message, deadline));
  }
}
