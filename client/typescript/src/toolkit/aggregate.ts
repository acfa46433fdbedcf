/** Aggregates: the state of one entity, made of its events, on which commands decide. Pure: nothing here reads or writes. */
import type { DomainEvent, Schema, Types } from "./schema.js";

/** For each event type, how it changes the state. */
export type Evolve<S, T extends Types> = {
  readonly [K in keyof T & string]: (state: S, data: T[K], event: Extract<DomainEvent<T>, { type: K }>) => S;
};

/** How the state of an aggregate is kept as a snapshot. */
export interface SnapshotForm<S> {
  /** Which form the state has. Raise it when the state's form or `evolve` changes: older snapshots are then passed over. */
  readonly version: number;
  /** A snapshot is saved after so many events, 1 or more. 50 unless given. */
  readonly every?: number;
  /** The state as a value that has a JSON form, as for newEvent: no Map, no Date. As it is, unless given. */
  readonly toJson?: (state: S) => unknown;
  /** The state from that value. As it is, unless given. */
  readonly fromJson?: (value: unknown) => S;
}

/** What an aggregate is. */
export interface AggregateOptions<S, T extends Types> {
  /** The beginning of its streams' names: entity `42` of category `order` is stream `order-42`. */
  readonly category: string;
  /** Its event types. */
  readonly schema: Schema<T>;
  /** The state before the first event. */
  readonly initial: () => S;
  /** How each event changes the state; may change it in place and return it. */
  readonly evolve: Evolve<S, T>;
  /** How snapshots are kept. None are, unless given. */
  readonly snapshot?: SnapshotForm<S>;
}

/**
 * A kind of entity whose state is made of its events.
 *
 * @example
 * const order = new Aggregate({
 *   category: "order",
 *   schema: orders,
 *   initial: () => ({ status: "none" }),
 *   evolve: {
 *     OrderPlaced: (state, { customer }) => ({ ...state, status: "placed", customer }),
 *     OrderShipped: (state) => ({ ...state, status: "shipped" }),
 *   },
 *   snapshot: { version: 1 },
 * });
 */
export class Aggregate<S, T extends Types> {
  /** The beginning of its streams' names. */
  readonly category: string;
  /** Its event types. */
  readonly schema: Schema<T>;
  /** How snapshots are kept, if they are. */
  readonly snapshot: SnapshotForm<S> | undefined;
  readonly #initial: () => S;
  readonly #evolve: ReadonlyMap<string, (state: S, data: unknown, event: DomainEvent<T>) => S>;

  constructor(options: AggregateOptions<S, T>) {
    this.category = options.category;
    this.schema = options.schema;
    this.snapshot = options.snapshot;
    this.#initial = options.initial;
    this.#evolve = new Map(Object.entries(options.evolve));
  }

  /** The stream of the entity with this id. */
  stream(id: string): string {
    return `${this.category}-${id}`;
  }

  /** The state before the first event. */
  initial(): S {
    return this.#initial();
  }

  /** The state after one more event. */
  evolve(state: S, event: DomainEvent<T>): S {
    const evolve = this.#evolve.get(event.type);
    return evolve === undefined ? state : evolve(state, event.data, event);
  }
}

/** What decides: from the state as it is, the events that are to happen; none, if nothing is. Throws what the domain forbids. */
export type Decide<S, T extends Types> = (state: S) => Decided<T> | Promise<Decided<T>>;

/** What was decided. */
export type Decided<T extends Types> = readonly DomainEvent<T>[] | DomainEvent<T> | undefined;

/** What was decided, as a list. */
export function listOf<T extends Types>(decided: Decided<T>): readonly DomainEvent<T>[] {
  if (decided === undefined) {
    return [];
  }
  return "type" in decided ? [decided] : decided;
}
