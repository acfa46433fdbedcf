/**
 * Aggregates: the state of one entity, built from the events of its stream, on which commands decide. This module
 * does no I/O.
 */
import type { DomainEvent, Schema, Types } from "./schema.js";
/** Functions that update the state, by event type. */
export type Evolve<S, T extends Types> = {
    readonly [K in keyof T & string]: (state: S, data: T[K], event: Extract<DomainEvent<T>, {
        type: K;
    }>) => S;
};
/** How the state of an aggregate is saved as a snapshot. */
export interface SnapshotForm<S> {
    /**
     * The version of the state's format. Increase it when the format or `evolve` changes: older snapshots are then
     * skipped.
     */
    readonly version: number;
    /** Number of events after which a snapshot is saved, at least 1. 50 unless given. */
    readonly every?: number;
    /**
     * Converts the state to a value that JSON can represent, as for newEvent: no Map, no Date. The state itself unless
     * given.
     */
    readonly toJson?: (state: S) => unknown;
    /** Converts such a value back to the state. The value itself unless given. */
    readonly fromJson?: (value: unknown) => S;
}
/** Options of an aggregate. */
export interface AggregateOptions<S, T extends Types> {
    /** The prefix of its stream names: entity `42` of category `order` is stream `order-42`. */
    readonly category: string;
    readonly schema: Schema<T>;
    /** Returns the state before the first event. */
    readonly initial: () => S;
    /** Returns the state after an event; may modify the state in place and return it. */
    readonly evolve: Evolve<S, T>;
    /** How snapshots are saved. None are saved unless given. */
    readonly snapshot?: SnapshotForm<S>;
}
/**
 * A kind of entity whose state is built from its events.
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
export declare class Aggregate<S, T extends Types> {
    #private;
    /** The prefix of its stream names. */
    readonly category: string;
    readonly schema: Schema<T>;
    /** How snapshots are saved, if they are. */
    readonly snapshot: SnapshotForm<S> | undefined;
    constructor(options: AggregateOptions<S, T>);
    /** Returns the stream of the entity with this id. */
    stream(id: string): string;
    /** Returns the state before the first event. */
    initial(): S;
    /** Returns the state after one more event. */
    evolve(state: S, event: DomainEvent<T>): S;
}
/** A decision: returns the events to append for the current state, or none. Throws if the domain forbids it. */
export type Decide<S, T extends Types> = (state: S) => Decided<T> | Promise<Decided<T>>;
/** The events of a decision. */
export type Decided<T extends Types> = readonly DomainEvent<T>[] | DomainEvent<T> | undefined;
/** Returns the events of a decision as a list. */
export declare function listOf<T extends Types>(decided: Decided<T>): readonly DomainEvent<T>[];
//# sourceMappingURL=aggregate.d.ts.map