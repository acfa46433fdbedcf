/** State: small documents beside the log, as clients write and read them. */
import type { MessageInitShape } from "@bufbuild/protobuf";

import { InvalidFieldError, ProtocolError } from "./errors.js";
import type {
  ListStateResponse,
  StateChangeSchema,
  StateCheckSchema,
  StateEntry as PbStateEntry,
  WriteStateResponse,
} from "./generated/annals/v1/state_pb.js";
import { bytesOf, decodeJson, encodeJson } from "./json.js";
import { toBigInt, toNumber } from "./numbers.js";
import { wellFormed } from "./text.js";
import { fromPbTime, type Timestamp } from "./timestamp.js";

/** A change of one entry. A write or an append has at most one change for an entry. */
export type StateChange =
  | {
      /** The name of the scope: 1 to 256 bytes, not starting with `$`. The scope need not exist. */
      readonly scope: string;
      /** The key of the entry: 1 to 512 bytes. */
      readonly key: string;
      /**
       * The new value, at most 65,536 bytes. Bytes (Uint8Array, ArrayBuffer, DataView) are stored unchanged, anything
       * else as JSON.
       */
      readonly put: unknown;
    }
  | {
      readonly scope: string;
      readonly key: string;
      /** Deletes the entry. If there is none, nothing changes. */
      readonly delete: true;
    };

/** The state in which an entry must be. A number: it has exactly this version; `"absent"`: there is no such entry. */
export type ExpectedVersion = number | "absent";

/** Requires that an entry has not changed. A write or an append has at most one check for an entry. */
export interface StateCheck {
  readonly scope: string;
  readonly key: string;
  readonly expected: ExpectedVersion;
}

/** An entry of a scope. */
export class StateEntry {
  constructor(
    /** The scope to which the entry belongs. */
    readonly scope: string,
    readonly key: string,
    readonly value: Uint8Array,
    /** The number of the scope's change that gave the entry its value. Versions count from 1. */
    readonly version: number,
    /** The time of that change, by the server's clock. Unlike versions, times may go backwards. */
    readonly changedAt: Timestamp,
  ) {}

  /**
   * Returns the value, decoded from JSON. The type T is not checked.
   *
   * @throws JsonError if it is not JSON, or if it contains a number that a JavaScript number can't hold.
   */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- a typed result without a cast
  json<T = unknown>(): T {
    return decodeJson(this.value, `the value of ${nameOf(this)}`) as T;
  }
}

/** A page of the entries of a scope. */
export interface StatePage {
  /** The entries, in the order of their keys' bytes. */
  readonly entries: readonly StateEntry[];
  /** Whether more entries follow: list them after the last key of this page. */
  readonly hasMore: boolean;
  /**
   * The scope's last version when the page was read. A subscription after the version of the first page returns what
   * has changed since.
   */
  readonly scopeVersion: number;
}

/** The result of a write of state. */
export interface StateWritten {
  /**
   * The versions that the entries got, one for each change, in order. 0: the entry that was to be deleted did not
   * exist.
   */
  readonly versions: readonly number[];
  /** The time of the changes. */
  readonly changedAt: Timestamp;
  /** Whether an earlier write with the same id had already made the changes, so that this one changed nothing. */
  readonly alreadyWritten: boolean;
}

/**
 * Returns the bytes of a value: bytes unchanged, anything else as JSON.
 *
 * @throws InvalidValueError if JSON can't represent it; it names the place.
 */
export function encodeValue(value: unknown, scope: string, key: string): Uint8Array {
  return bytesOf(value) ?? encodeJson(value, nameOf({ scope, key }), "value");
}

/** Converts to the protocol. */
export function toPbStateChange(change: StateChange): MessageInitShape<typeof StateChangeSchema> {
  const entry = { scope: wellFormed(change.scope, "scope"), key: wellFormed(change.key, "key") };
  if ("put" in change) {
    const value = encodeValue(change.put, change.scope, change.key);
    return { ...entry, change: { case: "put", value } };
  }
  if ((change as { delete: unknown }).delete !== true) {
    throw new InvalidFieldError([{ field: "changes", description: "a change must have `put`, or `delete: true`" }]);
  }
  return { ...entry, change: { case: "delete", value: {} } };
}

/** Converts to the protocol. Throws an InvalidFieldError that lists the valid expectations. */
export function toPbStateCheck({ scope, key, expected }: StateCheck): MessageInitShape<typeof StateCheckSchema> {
  const entry = { scope: wellFormed(scope, "scope"), key: wellFormed(key, "key") };
  if (expected === "absent") {
    return { ...entry, expected: { case: "absent", value: {} } };
  }
  if (!Number.isSafeInteger(expected) || expected < 1) {
    const shown = typeof expected === "string" ? JSON.stringify(expected) : String(expected);
    const description = `must be a version (a whole number from 1) or "absent", not ${shown}`;
    throw new InvalidFieldError([{ field: "expected", description }]);
  }
  return { ...entry, expected: { case: "version", value: toBigInt(expected, "expected") } };
}

/** Converts from the protocol. */
export function fromPbStateEntry(scope: string, entry: PbStateEntry): StateEntry {
  const { key, value, version, changedAt } = entry;
  return new StateEntry(scope, key, value, toNumber(version), fromPbTime(changedAt, "changed_at"));
}

/** Converts from the protocol. */
export function fromPbStatePage(scope: string, page: ListStateResponse): StatePage {
  if (page.hasMore && page.entries.length === 0) {
    throw new ProtocolError("an empty page of state that is not the last one");
  }
  return {
    entries: page.entries.map((entry) => fromPbStateEntry(scope, entry)),
    hasMore: page.hasMore,
    scopeVersion: toNumber(page.scopeVersion),
  };
}

/** Converts from the protocol. */
export function fromPbStateWritten(written: WriteStateResponse): StateWritten {
  return {
    versions: written.versions.map(toNumber),
    changedAt: fromPbTime(written.changedAt, "changed_at"),
    alreadyWritten: written.alreadyWritten,
  };
}

function nameOf({ scope, key }: { readonly scope: string; readonly key: string }): string {
  return `key ${JSON.stringify(key)} of scope ${JSON.stringify(scope)}`;
}
