/** What a projection is: which events it takes, and what it makes of them. */
import type { RecordedEvent } from "../../events.js";
import type { Query } from "../../query.js";
import type { DomainEvent, Schema, Types } from "../schema.js";

/** Where a projection writes. */
export interface Target<Tx> {
  /** The transaction, in which the checkpoint is saved too: what is written with it is written once, or not at all. */
  readonly tx: Tx;
  /** Which build of the projection this is, counted from 1. */
  readonly generation: number;
  /** The name that a table of the projection has in this build: `orders` is `orders__1`. */
  readonly table: (name: string) => string;
}

/** A projection. Its tables' names must be identifiers, its own name of letters, digits, `_`, `-` and `.`. */
export interface Projection<Tx> {
  /** Its name, under which its checkpoint is kept. */
  readonly name: string;
  /**
   * Its version, a whole number, 1 unless given. Raise it when the tables or the meaning of events change: it is then rebuilt at
   * the next start, and readers see the older build until the new one has caught up. A program with a lower version than that
   * of the live build fails.
   */
  readonly version?: number;
  /** Which events it takes. All unless given. */
  readonly query?: Query;
  /**
   * Its tables. Each build has its own; a view (in memory: an alias) of the plain name shows those of the live build, so
   * that a rebuild goes on unseen beside it until it is switched to.
   */
  readonly tables?: readonly string[];
  /** Makes the tables of a new build. */
  setup?(target: Target<Tx>): void | Promise<void>;
  /** Takes one event, in order. What it throws is retried, and then makes the event a dead letter. */
  handle(event: RecordedEvent, target: Target<Tx>): void | Promise<void>;
  /**
   * Whether `handle` acts on the world instead of writing to the target: it is then called outside of any transaction, and
   * again after a crash. Process managers do; their commands' ids make that harmless.
   */
  readonly effects?: boolean;
}

/** Handlers by event type, of those types that a projection is about. */
export type Handlers<T extends Types, Tx> = {
  readonly [K in keyof T & string]?: (
    data: T[K],
    event: RecordedEvent & { readonly domain: Extract<DomainEvent<T>, { type: K }> },
    target: Target<Tx>,
  ) => void | Promise<void>;
};

/**
 * A projection of typed events: takes those that it has a handler for, in their newest form.
 *
 * @example
 * const list = projection<Orders, PgClient>({
 *   name: "order_list",
 *   schema: orders,
 *   tables: ["order_list"],
 *   setup: ({ tx, table }) => tx.query(`CREATE TABLE ${table("order_list")} (id text PRIMARY KEY, customer text)`),
 *   handlers: {
 *     OrderPlaced: ({ customer }, event, { tx, table }) =>
 *       tx.query(`INSERT INTO ${table("order_list")} VALUES ($1, $2)`, [event.stream, customer]),
 *   },
 * });
 */
export function projection<T extends Types, Tx>(
  options: Omit<Projection<Tx>, "handle" | "query"> & {
    readonly schema: Schema<T>;
    readonly handlers: Handlers<T, Tx>;
    /** Only events of streams whose names begin so. Of all unless given. */
    readonly streamPrefixes?: readonly string[];
  },
): Projection<Tx> {
  const { schema, handlers, streamPrefixes = [], ...rest } = options;
  const byType = new Map<string, unknown>(Object.entries(handlers));
  type Handler = (data: unknown, event: RecordedEvent, target: Target<Tx>) => void | Promise<void>;
  return {
    ...rest,
    query: { types: schema.namesOf(byType.keys()), streamPrefixes },
    handle: (event, target) => {
      const domain = schema.decode(event);
      const handler = domain === undefined ? undefined : (byType.get(domain.type) as Handler | undefined);
      return handler?.(domain?.data, Object.assign(event, { domain }), target);
    },
  };
}
