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
import { type NewEvent, type RecordedEvent } from "../events.js";
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
export declare class SchemaError extends AnnalsError {
}
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
export declare class Schema<T extends Types> {
    #private;
    /** Use `schema`. */
    constructor(types: {
        readonly [K in keyof T]: TypeSchema<T[K]>;
    });
    /** All names that are read, including earlier ones: for the query of a subscription. */
    get names(): readonly string[];
    /** Returns the names that are read as these types. */
    namesOf(types: Iterable<string>): readonly string[];
    /** Returns the event to append, with its version, its tags and the current context. */
    encode(event: DomainEvent<T>, options?: EncodeOptions): NewEvent;
    /**
     * Returns the event in its latest version; undefined if its type is not in the schema.
     *
     * @throws SchemaError if its version is newer than the schema's; JsonError if its data is not JSON.
     */
    decode(event: RecordedEvent): DomainEvent<T> | undefined;
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
export declare function schema<T extends Types>(types: {
    readonly [K in keyof T]: TypeSchema<T[K]>;
}): Schema<T>;
//# sourceMappingURL=schema.d.ts.map