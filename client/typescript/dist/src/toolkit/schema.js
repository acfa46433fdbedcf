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
import { demandJson, newEvent } from "../events.js";
import { contextOfAppend, metadataOf, toMetadata } from "./context.js";
/** An event can't be read or written with the schema of this program. Update the program, or correct the schema. */
export class SchemaError extends AnnalsError {
}
/** The event types of a part of the domain. Created by `schema`. */
export class Schema {
    #types;
    #read;
    /** Use `schema`. */
    constructor(types) {
        this.#types = new Map(Object.entries(types));
        const read = new Map();
        for (const [name, { version = 1, upcasters = {}, formerly = [] }] of this.#types) {
            for (let older = 1; older < version; older += 1) {
                if (upcasters[older] === undefined) {
                    throw new SchemaError(`event type ${JSON.stringify(name)} is written in version ${version}, but has no upcaster from ` +
                        `version ${older}; add one`);
                }
            }
            for (const known of [name, ...formerly]) {
                if (read.has(known)) {
                    throw new SchemaError(`two event types are read from the name ${JSON.stringify(known)}; remove one`);
                }
                read.set(known, name);
            }
        }
        this.#read = read;
    }
    /** All names that are read, including earlier ones: for the query of a subscription. */
    get names() {
        return [...this.#read.keys()];
    }
    /** Returns the names that are read as these types. */
    namesOf(types) {
        const wanted = new Set(types);
        return [...this.#read].flatMap(([name, type]) => (wanted.has(type) ? [name] : []));
    }
    /** Returns the event to append, with its version, its tags and the current context. */
    encode(event, options = {}) {
        const type = this.#types.get(event.type);
        if (type === undefined) {
            throw new SchemaError(`event type ${JSON.stringify(event.type)} is not in the schema; add it`);
        }
        const { version = 1, tags } = type;
        const labels = [...(tags?.(event.data) ?? []), ...(event.tags ?? []), ...(options.tags ?? [])];
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
    decode(event) {
        const name = this.#read.get(event.type);
        const type = name === undefined ? undefined : this.#types.get(name);
        if (type === undefined) {
            return undefined;
        }
        const { version = 1, upcasters = {} } = type;
        const written = versionOf(event);
        if (written > version) {
            throw new SchemaError(`${nameOf(event)} has version ${written}, but this program supports only up to ${version}`);
        }
        demandJson(event);
        let data = event.data.length === 0 ? {} : event.json();
        for (let older = written; older < version; older += 1) {
            data = upcasters[older]?.(data);
        }
        return { type: name, data, tags: event.tags };
    }
}
/** Returns the version in which an event was written. Throws a SchemaError if its metadata has an invalid one. */
function versionOf(event) {
    const written = event.metadata.length === 0 ? undefined : metadataOf(event)["schemaVersion"];
    if (written === undefined) {
        return 1;
    }
    if (typeof written !== "number" || !Number.isInteger(written) || written < 1) {
        throw new SchemaError(`${nameOf(event)} has the schemaVersion ${JSON.stringify(written)} in its metadata; it must be a whole ` +
            "number from 1");
    }
    return written;
}
function nameOf(event) {
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
export function schema(types) {
    return new Schema(types);
}
//# sourceMappingURL=schema.js.map