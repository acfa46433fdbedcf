/**
 * Schemas: the event types of a domain, the versions in which they are written, and how older versions are converted
 * when they are read.
 *
 * 1. An event is written in the latest version of its type, which is stored in its metadata as `schemaVersion`
 *    (absent: 1).
 * 2. It is never rewritten: upcasters run, one after the other, when it is read.
 * 3. A version newer than this program supports is an error, because a decision would be based on incomplete data.
 */
import { AnnalsError } from "../errors.js";
import { demandJson, newEvent, type NewEvent, type RecordedEvent } from "../events.js";
import { contextOfAppend, metadataOf, toMetadata } from "./context.js";

/** A type that maps names of event types to their data. */
export type Types = object;

/** An event of one of these types in terms of the domain, discriminated by `type`. */
export type DomainEvent<T extends Types> = {
  [K in keyof T & string]: {
    /** The event type. */
    readonly type: K;
    /** The payload. */
    readonly data: T[K];
    /** Tags for queries, in addition to those of the schema. */
    readonly tags?: readonly string[];
  };
}[keyof T & string];

/** How one type is written and read. */
export interface TypeSchema<D> {
  /** The version that is written, at least 1. 1 unless given. */
  readonly version?: number;
  /**
   * Functions that convert the data of each older version to the next, by version. Required for all versions from 1.
   */
  readonly upcasters?: Readonly<Record<number, (data: never) => unknown>>;
  /** Earlier names of the type, which are read as this type. */
  readonly formerly?: readonly string[];
  /** Returns the tags of an event of this type. */
  readonly tags?: (data: D) => readonly string[];
}

/** An event can't be read or written with the schema of this program. Update the program, or correct the schema. */
export class SchemaError extends AnnalsError {}

/** Further properties of an event that is written. */
export interface EncodeOptions {
  /** The event's id. A new one unless given. */
  readonly id?: string;
  /** Additional tags. */
  readonly tags?: readonly string[];
  /** Additional metadata, which overrides that of the context. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** The event types of a part of the domain. Created by `schema`. */
export class Schema<T extends Types> {
  readonly #types: ReadonlyMap<string, TypeSchema<never>>;
  readonly #read: ReadonlyMap<string, keyof T & string>;

  /** Use `schema`. */
  constructor(types: { readonly [K in keyof T]: TypeSchema<T[K]> }) {
    this.#types = new Map(Object.entries(types));
    const read = new Map<string, keyof T & string>();
    for (const [name, { version = 1, upcasters = {}, formerly = [] }] of this.#types) {
      for (let older = 1; older < version; older += 1) {
        if (upcasters[older] === undefined) {
          throw new SchemaError(
            `event type ${JSON.stringify(name)} is written in version ${version}, but has no upcaster from ` +
              `version ${older}; add one`,
          );
        }
      }
      for (const known of [name, ...formerly]) {
        if (read.has(known)) {
          throw new SchemaError(`two event types are read from the name ${JSON.stringify(known)}; remove one`);
        }
        read.set(known, name as keyof T & string);
      }
    }
    this.#read = read;
  }

  /** All names that are read, including earlier ones: for the query of a subscription. */
  get names(): readonly string[] {
    return [...this.#read.keys()];
  }

  /** Returns the names that are read as these types. */
  namesOf(types: Iterable<string>): readonly string[] {
    const wanted = new Set(types);
    return [...this.#read].flatMap(([name, type]) => (wanted.has(type) ? [name] : []));
  }

  /** Returns the event to append, with its version, its tags and the current context. */
  encode(event: DomainEvent<T>, options: EncodeOptions = {}): NewEvent {
    const type = this.#types.get(event.type);
    if (type === undefined) {
      throw new SchemaError(`event type ${JSON.stringify(event.type)} is not in the schema; add it`);
    }
    const { version = 1, tags } = type;
    const labels = [...(tags?.(event.data as never) ?? []), ...(event.tags ?? []), ...(options.tags ?? [])];
    const metadata = {
      ...toMetadata(contextOfAppend()),
      ...(version > 1 && { schemaVersion: version }),
      ...options.metadata,
    };
    return newEvent(event.type, event.data, {
      ...(options.id !== undefined && { id: options.id }),
      tags: [...new Set(labels)],
      ...(Object.keys(metadata).length > 0 && { metadata }),
    });
  }

  /**
   * Returns the event in its latest version; undefined if its type is not in the schema.
   *
   * @throws SchemaError if its version is newer than the schema's; JsonError if its data is not JSON.
   */
  decode(event: RecordedEvent): DomainEvent<T> | undefined {
    const name = this.#read.get(event.type);
    const type = name === undefined ? undefined : this.#types.get(name);
    if (type === undefined) {
      return undefined;
    }
    const { version = 1, upcasters = {} } = type;
    const written = versionOf(event);
    if (written > version) {
      throw new SchemaError(
        `${nameOf(event)} has version ${written}, but this program supports only up to ${version}`,
      );
    }
    demandJson(event);
    let data: unknown = event.data.length === 0 ? {} : event.json();
    for (let older = written; older < version; older += 1) {
      data = upcasters[older]?.(data as never);
    }
    return { type: name, data, tags: event.tags } as DomainEvent<T>;
  }
}

/** Returns the version in which an event was written. Throws a SchemaError if its metadata has an invalid one. */
function versionOf(event: RecordedEvent): number {
  const written = event.metadata.length === 0 ? undefined : metadataOf(event)["schemaVersion"];
  if (written === undefined) {
    return 1;
  }
  if (typeof written !== "number" || !Number.isInteger(written) || written < 1) {
    throw new SchemaError(
      `${nameOf(event)} has the schemaVersion ${JSON.stringify(written)} in its metadata; it must be a whole ` +
        "number from 1",
    );
  }
  return written;
}

function nameOf(event: RecordedEvent): string {
  return `event type ${JSON.stringify(event.type)} at position ${event.position}`;
}

/**
 * Creates a schema for the event types of a part of the domain.
 *
 * @example
 * type Orders = { OrderPlaced: { customer: string; currency: string }; OrderShipped: { at: string } };
 * const orders = schema<Orders>({
 *   OrderPlaced: {
 *     version: 2,
 *     upcasters: { 1: (old: { customer: string }) => ({ ...old, currency: "EUR" }) },
 *     tags: ({ customer }) => [`customer:${customer}`],
 *   },
 *   OrderShipped: {},
 * });
 */
export function schema<T extends Types>(types: { readonly [K in keyof T]: TypeSchema<T[K]> }): Schema<T> {
  return new Schema(types);
}
