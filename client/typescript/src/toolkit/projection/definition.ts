/** Definition of a projection: which events it handles, and how. */
import type { RecordedEvent } from "../../events.js";
import type { Query } from "../../query.js";
import type { DomainEvent, Schema, Types } from "../schema.js";

/** The output of a projection. */
export interface Target<Tx> {
  /** The transaction, which also saves the checkpoint: everything written with it is written once or not at all. */
  readonly tx: Tx;
  /** The number of the build, from 1. */
  readonly generation: number;
  /** Returns the name that a table of the projection has in this build: `orders` is `orders__1`. */
  readonly table: (name: string) => string;
}

/**
 * A projection. The names of its tables must be identifiers; its own name consists of letters, digits, `_`, `-` and
 * `.`.
 */
export interface Projection<Tx> {
  /** The name under which its checkpoint is stored. */
  readonly name: string;
  /**
   * The version, a whole number, 1 unless given. Increase it when the tables or the meaning of events change: the
   * projection is then rebuilt at the next start, and readers see the older build until the new one has caught up. A
   * program with a lower version than the live build fails.
   */
  readonly version?: number;
  /** Selects the events to handle. All unless given. */
  readonly query?: Query;
  /**
   * The tables. Each build has its own. A view (in memory, an alias) with the plain name shows those of the live
   * build, so readers do not see a rebuild until it is live.
   */
  readonly tables?: readonly string[];
  /** Creates the tables of a new build. */
  setup?(target: Target<Tx>): void | Promise<void>;
  /**
   * Handles one event, in order. If it throws, it is retried; after the last attempt, the event becomes a dead
   * letter.
   */
  handle(event: RecordedEvent, target: Target<Tx>): void | Promise<void>;
  /**
   * Whether `handle` has external effects instead of writing to the target: it is then called outside of any
   * transaction, and again after a crash. Process managers do this; the ids of their commands make it safe.
   */
  readonly effects?: boolean;
  /**
   * The consumer group from which the live build gets its events, instead of a subscription. It is created if it does
   * not exist. The group of a projection is exclusive: one process applies the events, and another one takes its place
   * when it leaves. That of a process manager is ordered: all processes react, each to other streams, and an event that
   * fails is retried and parked by the group instead of becoming a dead letter.
   */
  readonly group?: string;
}

/** Handlers by event type, for the types that a projection handles. */
export type Handlers<T extends Types, Tx> = {
  readonly [K in keyof T & string]?: (
    data: T[K],
    event: RecordedEvent & { readonly domain: Extract<DomainEvent<T>, { type: K }> },
    target: Target<Tx>,
  ) => void | Promise<void>;
};

/**
 * Creates a projection of typed events. It handles the types that have a handler, in their latest version.
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
    /** Handles only events of streams whose names begin with one of these. Of all streams unless given. */
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
