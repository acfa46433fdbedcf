/**
 * Read models in the state of an Annals server, beside the log: a projection needs no database of its own.
 *
 *     scope                           key            value
 *     read-models                     TABLE          the projection, and the generation of the live build
 *     read-models/TABLE__G            (any)          the rows of a table in build G
 *     projections/NAME                builds         the builds, and those that are being removed
 *     projections/NAME                checkpoint/G   position and store id of build G
 *     projections/NAME/dead-letters   G/POSITION     a dead letter of build G
 *
 * 1. The changes of a transaction are one write. It checks every entry that the transaction has read, so a batch is
 *    written only if its checkpoint has not moved: each event has effect once, whichever processes run the projection.
 * 2. If such an entry has changed, the body runs again, as it would have waited for a lock in a database.
 * 3. The entries of a removed build are deleted in the background, a page at a time, because they may be more than fit
 *    into a write. Each of these writes checks `builds`, and no build gets the number of one that is not removed yet.
 *
 * The toolkits of all languages use these scopes, keys and values, so a projection can be continued in another one.
 */
import type { Client } from "../../client.js";
import { AnnalsError, ChecksFailedError } from "../../errors.js";
import { decodeJson } from "../../json.js";
import type { CallOptions } from "../../options.js";
import { sleep } from "../../retry.js";
import type { StateCheck, StateEntry } from "../../state.js";
import { OpenTransaction, type StateTransaction } from "./state-transaction.js";
import {
  type Checkpoint,
  type DeadLetter,
  identifier,
  ProjectionError,
  type ProjectionStore,
  tableOf,
} from "./store.js";

/** Number of attempts of a transaction that conflicts with others, and its pauses in milliseconds. */
const TRIES_MAX = 20;
const PAUSE_FIRST_MS = 2;
const PAUSE_MAX_MS = 200;
/** Number of entries that are removed with one write; the protocol's maximum. */
const REMOVED_MAX = 1_000;
/** Maximum length of the reason of a dead letter, so that it fits into an entry. */
const REASON_MAX = 8_000;

/** The entry `builds` of a projection. */
interface Builds {
  readonly builds: readonly Pick<Checkpoint, "generation" | "version" | "state">[];
  /** Builds whose entries are still to be deleted. */
  readonly removed: readonly { readonly generation: number; readonly tables: readonly string[] }[];
}

/** The entry of a table in `read-models`. */
interface Live extends Pick<Checkpoint, "generation"> {
  readonly projection: string;
}

/** The entry `checkpoint/G` of a projection. */
type Place = Pick<Checkpoint, "position" | "storeId">;

/** A dead letter, without what its key has. */
interface Letter extends Omit<DeadLetter, "projection" | "generation" | "tries" | "failedAt"> {
  readonly attempts: number;
  readonly buriedAt: string;
}

/** Other transactions changed what this one had read, in every attempt. */
class ContendedError extends AnnalsError {
  override readonly retryable = true;
}

/**
 * Read models in the state of an Annals server. Handlers get a transaction, whose tables have keys and values; readers
 * use `get` and `entries`, or the scope of a table.
 *
 * @example
 * const list = projection<Orders, StateTransaction>({
 *   name: "order_list",
 *   schema: orders,
 *   tables: ["order_list"],
 *   handlers: {
 *     OrderPlaced: ({ customer }, event, { tx, table }) => {
 *       tx.table(table("order_list")).put(event.stream, { customer, status: "placed" });
 *     },
 *   },
 * });
 * const store = new StateStore(client);
 * const projections = new Projections(client, store, [list]);
 * const order = (await store.get("order_list", "order-42"))?.json();
 */
export class StateStore implements ProjectionStore<StateTransaction> {
  readonly #client: Client;
  readonly #prefix: string;
  /** The projections whose removed builds are being deleted. */
  readonly #removing = new Set<string>();

  /**
   * @param options `scopePrefix`: precedes the names of all scopes, so that several applications can share a server.
   *   Empty unless given.
   */
  constructor(client: Client, { scopePrefix = "" }: { readonly scopePrefix?: string } = {}) {
    this.#client = client;
    this.#prefix = scopePrefix;
  }

  /**
   * Returns the scope of a table's live build, for Client.subscribeState; undefined if there is none. A rebuild
   * replaces it.
   */
  async scope(table: string, options: CallOptions = {}): Promise<string | undefined> {
    const live = await this.#client.getState(this.#tables, identifier(table), options);
    return live && this.#scopeOf(tableOf(table, live.json<Live>().generation));
  }

  /** Returns an entry of a table of a live projection; undefined if there is none. */
  get(table: string, key: string, options: CallOptions = {}): Promise<StateEntry | undefined> {
    return this.#reading(table, options, (scope) => this.#client.getState(scope, key, options));
  }

  /**
   * Returns the entries of a table of a live projection, in the order of their keys' bytes.
   *
   * @param options `prefix`: only keys that begin with it.
   */
  async entries(table: string, options: CallOptions & { readonly prefix?: string } = {}): Promise<StateEntry[]> {
    const found = await this.#reading(table, options, async (scope) => {
      const entries: StateEntry[] = [];
      for await (const entry of this.#client.stateEntries(scope, options)) {
        entries.push(entry);
      }
      return entries;
    });
    return found ?? [];
  }

  /** Reads from the live build. Reads again if that was replaced meanwhile, because its entries are then deleted. */
  async #reading<R>(
    table: string,
    options: CallOptions,
    body: (scope: string) => Promise<R>,
  ): Promise<R | undefined> {
    for (let scope = await this.scope(table, options); scope !== undefined; ) {
      const result = await body(scope);
      const now = await this.scope(table, options);
      if (now === scope) {
        return result;
      }
      scope = now;
    }
    return undefined;
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  async livePosition(projection: string): Promise<number | undefined> {
    const scope = this.#progress(projection);
    for (let version: number | undefined; ; ) {
      const entry = await this.#client.getState(scope, "builds");
      const live = entry?.json<Builds>().builds.find(({ state }) => state === "live");
      if (live === undefined || entry?.version === version) {
        return undefined;
      }
      const place = await this.#client.getState(scope, placeKey(live.generation));
      if (place !== undefined) {
        return place.json<Place>().position;
      }
      // The build was replaced between the two reads.
      version = entry?.version;
    }
  }

  async transaction<R>(body: (tx: StateTransaction) => Promise<R>): Promise<R> {
    for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
      const tx = new OpenTransaction(this.#client, (table) => this.#scopeOf(table));
      const result = await body(tx);
      if (await tx.write()) {
        return result;
      }
      await sleep(Math.random() * Math.min(PAUSE_FIRST_MS * 2 ** (tries - 1), PAUSE_MAX_MS));
    }
    throw new ContendedError(`other transactions changed the same entries during ${TRIES_MAX} attempts`);
  }

  async checkpoints(tx: StateTransaction, projection: string): Promise<readonly Checkpoint[]> {
    const { builds, removed } = await this.#builds(tx, projection);
    if (removed.length > 0) {
      this.#removeInBackground(projection);
    }
    const found: Checkpoint[] = [];
    for (const build of builds) {
      // Only the builds that the transaction changes are checked, so that a rebuild and the live build do not conflict.
      const place = await opened(tx).peek<Place>(this.#progress(projection), placeKey(build.generation));
      // If it is missing, the build was removed since `builds` was read, and the transaction can't be written.
      if (place !== undefined) {
        found.push({ ...build, ...place });
      }
    }
    return found;
  }

  async saveCheckpoint(tx: StateTransaction, projection: string, checkpoint: Checkpoint): Promise<void> {
    const { generation, version, state, position, storeId } = checkpoint;
    const progress = opened(tx).scope(this.#progress(projection));
    const { builds, removed } = await this.#builds(tx, projection);
    const known = builds.find((build) => build.generation === generation);
    if (known?.version !== version || known.state !== state) {
      if (removed.some((build) => build.generation === generation)) {
        // Its tables must be empty. This changes `builds`, so the transaction then runs again.
        await this.#remove(projection);
      }
      const others = builds.filter((build) => build !== known);
      progress.put("builds", { builds: [...others, { generation, version, state }], removed } satisfies Builds);
    }
    progress.put(placeKey(generation), { position, storeId } satisfies Place);
  }

  async dropBuild(
    tx: StateTransaction,
    projection: string,
    generation: number,
    tables: readonly string[],
  ): Promise<void> {
    const progress = opened(tx).scope(this.#progress(projection));
    const { builds, removed } = await this.#builds(tx, projection);
    const left: Builds = {
      builds: builds.filter((build) => build.generation !== generation),
      removed: [...removed, { generation, tables }],
    };
    progress.put("builds", left);
    progress.delete(placeKey(generation));
    opened(tx).afterWrite.push(() => {
      this.#removeInBackground(projection);
    });
  }

  async expose(
    tx: StateTransaction,
    projection: string,
    generation: number,
    tables: readonly string[],
  ): Promise<void> {
    const live = opened(tx).scope(this.#tables);
    for (const table of tables) {
      const owner = (await live.json<Live>(identifier(table)))?.projection ?? projection;
      if (owner !== projection) {
        const [name, taken] = [JSON.stringify(projection), JSON.stringify(owner)];
        throw new ProjectionError(
          `table ${JSON.stringify(table)} of projection ${name} belongs to projection ${taken}`,
        );
      }
      live.put(table, { projection, generation } satisfies Live);
    }
  }

  saveDeadLetter(tx: StateTransaction, letter: DeadLetter): Promise<void> {
    const { position, eventId, stream, revision, type, tries, failedAt } = letter;
    const reason = letter.reason.slice(0, REASON_MAX).toWellFormed();
    const stored: Letter = {
      position,
      eventId,
      stream,
      revision,
      type,
      reason,
      attempts: tries,
      buriedAt: failedAt,
    };
    opened(tx).scope(this.#letters(letter.projection)).put(letterKey(letter), stored);
    return Promise.resolve();
  }

  async deadLetters(tx: StateTransaction, projection: string, generation: number): Promise<readonly DeadLetter[]> {
    const entries = await opened(tx).scope(this.#letters(projection)).entries(`${generation}/`);
    return entries.map(([key, value]) => {
      const { attempts, buriedAt, ...letter } = decodeJson(value, `dead letter ${key}`) as Letter;
      return { projection, generation, ...letter, tries: attempts, failedAt: buriedAt };
    });
  }

  async dropDeadLetter(tx: StateTransaction, letter: DeadLetter): Promise<void> {
    const letters = opened(tx).scope(this.#letters(letter.projection));
    if ((await letters.get(letterKey(letter))) === undefined) {
      throw new ProjectionError(
        `the dead letter at position ${letter.position} of projection ${JSON.stringify(letter.projection)} ` +
          "was removed meanwhile",
      );
    }
    letters.delete(letterKey(letter));
  }

  isPassing(error: unknown): boolean {
    return error instanceof AnnalsError && error.retryable;
  }

  get #tables(): string {
    return `${this.#prefix}read-models`;
  }

  #scopeOf(table: string): string {
    return `${this.#tables}/${table}`;
  }

  #progress(projection: string): string {
    return `${this.#prefix}projections/${projection}`;
  }

  #letters(projection: string): string {
    return `${this.#progress(projection)}/dead-letters`;
  }

  async #builds(tx: StateTransaction, projection: string): Promise<Builds> {
    const builds = await opened(tx).scope(this.#progress(projection)).json<Builds>("builds");
    return builds ?? { builds: [], removed: [] };
  }

  /** Deletes the entries of removed builds. If that fails, the next transaction begins it again. */
  #removeInBackground(projection: string): void {
    if (!this.#removing.has(projection)) {
      this.#removing.add(projection);
      this.#remove(projection)
        .catch(() => undefined)
        .finally(() => this.#removing.delete(projection));
    }
  }

  /** Deletes the entries of all removed builds of a projection. */
  async #remove(projection: string): Promise<void> {
    const scope = this.#progress(projection);
    for (;;) {
      const entry = await this.#client.getState(scope, "builds");
      const { builds = [], removed: [next, ...left] = [] } = entry?.json<Builds>() ?? {};
      if (entry === undefined || next === undefined) {
        return;
      }
      const checks = [{ scope, key: "builds", expected: entry.version }];
      try {
        await this.#clear(this.#letters(projection), `${next.generation}/`, checks);
        for (const table of next.tables) {
          await this.#clear(this.#scopeOf(tableOf(table, next.generation)), "", checks);
        }
        const put: Builds = { builds, removed: left };
        await this.#client.writeState([{ scope, key: "builds", put }], { checks });
      } catch (error) {
        // After a conflict, the builds are read again.
        if (!(error instanceof ChecksFailedError)) {
          throw error;
        }
      }
    }
  }

  async #clear(scope: string, prefix: string, checks: readonly StateCheck[]): Promise<void> {
    for (;;) {
      const { entries } = await this.#client.listState(scope, { prefix, pageSize: REMOVED_MAX });
      if (entries.length === 0) {
        return;
      }
      await this.#client.writeState(
        entries.map(({ key }) => ({ scope, key, delete: true })),
        { checks },
      );
    }
  }
}

function placeKey(generation: number): string {
  return `checkpoint/${generation}`;
}

/** The positions have leading zeros, so that the order of the keys is theirs. */
function letterKey({ generation, position }: DeadLetter): string {
  return `${generation}/${String(position).padStart(16, "0")}`;
}

/** Returns the transaction with its inner operations. */
function opened(tx: StateTransaction): OpenTransaction {
  if (!(tx instanceof OpenTransaction)) {
    throw new TypeError("the transaction is not one of a StateStore");
  }
  return tx;
}
