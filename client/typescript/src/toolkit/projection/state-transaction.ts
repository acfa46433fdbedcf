/**
 * A transaction on state: it reads entries as they are, collects changes, and makes them with one write, which checks
 * that the entries it has read have not changed.
 *
 * So of two transactions that read an entry and change anything, only one succeeds. Entries that were only listed are
 * not checked.
 */
import type { Client } from "../../client.js";
import { ChecksFailedError, InvalidFieldError, TooLargeError } from "../../errors.js";
import { decodeJson } from "../../json.js";
import { encodeValue, type ExpectedVersion, type StateChange } from "../../state.js";
import { RejectedTransactionError } from "./store.js";

/** Maximum number of changes in a write, and maximum number of checks, from the protocol. */
const CHANGES_MAX = 1_000;

/** A table of a read model in state: the entries of a scope. */
export interface StateTable {
  /** Returns the value of a key, with the changes of this transaction; undefined if there is none. */
  get(key: string): Promise<Uint8Array | undefined>;
  /**
   * Returns the value of a key, decoded from JSON. The type T is not checked.
   *
   * @throws JsonError if it is not JSON.
   */
  json<T = unknown>(key: string): Promise<T | undefined>;
  /**
   * Returns the keys that begin with a prefix (all unless given) and their values, with the changes of this
   * transaction, in the order of the keys' bytes. It reads them all: use it for few keys.
   */
  entries(prefix?: string): Promise<readonly (readonly [key: string, value: Uint8Array])[]>;
  /**
   * Gives a key a value: bytes are stored unchanged, anything else as JSON.
   *
   * @throws InvalidValueError if JSON can't represent it.
   */
  put(key: string, value: unknown): void;
  /** Deletes a key, if it exists. */
  delete(key: string): void;
}

/** A transaction on state, which a projection's handlers write to. */
export interface StateTransaction {
  /** Returns a table, which need not exist. In a handler, pass it the name from `table` of the target. */
  table(name: string): StateTable;
}

/** What a transaction knows of an entry. */
interface Known {
  /** The state in which it was read; undefined if it was not read. */
  readonly expected: ExpectedVersion | undefined;
  /** Whether it must be in that state for the transaction to be written. */
  readonly checked: boolean;
  /** Its value in the transaction; undefined if there is no such entry. */
  readonly value: Uint8Array | undefined;
  readonly changed: boolean;
}

/** An open transaction. */
export class OpenTransaction implements StateTransaction {
  readonly #scopes = new Map<string, Map<string, Known>>();
  #checks = 0;
  #changes = 0;
  /** The error of a change or a read that does not fit, also if a handler ignores it. */
  #rejected: RejectedTransactionError | undefined;
  /** Called when the transaction was written. */
  readonly afterWrite: (() => void)[] = [];

  constructor(
    private readonly client: Client,
    private readonly scopeOf: (table: string) => string,
  ) {}

  table(name: string): StateTable {
    return this.scope(this.scopeOf(name));
  }

  /** Returns the entries of a scope as a table. */
  scope(scope: string): StateTable {
    return {
      get: async (key) => (await this.#read(scope, key, true)).value,
      json: async <T>(key: string) => decoded<T>(scope, key, (await this.#read(scope, key, true)).value),
      entries: (prefix = "") => this.#list(scope, prefix),
      put: (key, value) => {
        this.#change(scope, key, encodeValue(value, scope, key));
      },
      delete: (key) => {
        this.#change(scope, key, undefined);
      },
    };
  }

  /** Returns the value of an entry, which is checked only if the transaction changes it later. */
  async peek<T>(scope: string, key: string): Promise<T | undefined> {
    return decoded<T>(scope, key, (await this.#read(scope, key, false)).value);
  }

  /**
   * Makes the changes. Returns false if an entry that was read has changed since; nothing is written then.
   *
   * @throws RejectedTransactionError if they do not fit into a write, or the server refuses them.
   */
  async write(): Promise<boolean> {
    if (this.#rejected !== undefined) {
      throw this.#rejected;
    }
    const entries = [...this.#scopes].flatMap(([scope, known]) =>
      [...known].map(([key, entry]) => ({ scope, key, ...entry })),
    );
    const changes = entries
      .filter(({ changed }) => changed)
      .map(({ scope, key, value }): StateChange =>
        value === undefined ? { scope, key, delete: true } : { scope, key, put: value },
      );
    const checks = entries.flatMap(({ scope, key, expected, checked }) =>
      checked && expected !== undefined ? [{ scope, key, expected }] : [],
    );
    if (changes.length > 0) {
      try {
        await this.client.writeState(changes, { checks });
      } catch (error) {
        if (error instanceof ChecksFailedError) {
          return false;
        }
        if (error instanceof InvalidFieldError || error instanceof TooLargeError) {
          throw new RejectedTransactionError(`the transaction can't be written: ${error.message}`, { cause: error });
        }
        throw error;
      }
    }
    this.afterWrite.forEach((call) => {
      call();
    });
    return true;
  }

  async #read(scope: string, key: string, checked: boolean): Promise<Known> {
    const entries = this.#known(scope);
    let known = entries.get(key);
    if (known === undefined) {
      const entry = await this.client.getState(scope, key);
      const expected = entry?.version ?? "absent";
      // Another call of the handler may have read or changed it meanwhile.
      known = entries.get(key) ?? { expected, checked: false, value: entry?.value, changed: false };
      entries.set(key, known);
    }
    return checked ? this.#check(scope, key, known) : known;
  }

  /** Adds the check of an entry, if it was read. */
  #check(scope: string, key: string, known: Known): Known {
    if (known.expected === undefined || known.checked) {
      return known;
    }
    this.#checks = this.#counted(this.#checks, "reads");
    const checked = { ...known, checked: true };
    this.#known(scope).set(key, checked);
    return checked;
  }

  #change(scope: string, key: string, value: Uint8Array | undefined): void {
    const entries = this.#known(scope);
    const found = entries.get(key);
    const known = found && this.#check(scope, key, found);
    if (known?.changed !== true) {
      this.#changes = this.#counted(this.#changes, "changes");
    }
    entries.set(key, { expected: known?.expected, checked: known?.checked ?? false, value, changed: true });
  }

  async #list(scope: string, prefix: string): Promise<(readonly [string, Uint8Array])[]> {
    const found = new Map<string, Uint8Array>();
    for await (const { key, value } of this.client.stateEntries(scope, { prefix })) {
      found.set(key, value);
    }
    for (const [key, { value, changed }] of this.#known(scope)) {
      if (changed && key.startsWith(prefix)) {
        if (value === undefined) found.delete(key);
        else found.set(key, value);
      }
    }
    return [...found].sort(([one], [other]) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  }

  #known(scope: string): Map<string, Known> {
    let entries = this.#scopes.get(scope);
    if (entries === undefined) {
      entries = new Map();
      this.#scopes.set(scope, entries);
    }
    return entries;
  }

  /** Returns the number of reads or changes after one more. */
  #counted(before: number, what: string): number {
    if (before >= CHANGES_MAX) {
      this.#rejected = new RejectedTransactionError(`the transaction has more than ${CHANGES_MAX} ${what} of entries`);
      throw this.#rejected;
    }
    return before + 1;
  }
}

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- a typed result without a cast
function decoded<T>(scope: string, key: string, value: Uint8Array | undefined): T | undefined {
  const what = `the value of key ${JSON.stringify(key)} of scope ${JSON.stringify(scope)}`;
  return value === undefined ? undefined : (decodeJson(value, what) as T);
}
