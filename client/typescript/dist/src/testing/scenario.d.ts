import { RecordedEvent } from "../events.js";
import { type Aggregate, type Decide } from "../toolkit/aggregate.js";
import { type DecisionModels, type Facts, type Placed } from "../toolkit/decision.js";
import type { Projection } from "../toolkit/projection/definition.js";
import type { MemoryStore, MemoryTransaction } from "../toolkit/projection/memory.js";
import { type DomainEvent, type Schema, type Types } from "../toolkit/schema.js";
/** An expected error: its class, its message or a part of it, or some of its properties. */
export type ExpectedError = (new (...args: never[]) => Error) | RegExp | Record<string, unknown>;
/** A scenario with its initial events. */
export interface Given<S, T extends Types> {
    /** Makes the decision. */
    when(decide: Decide<S, T>): When<S, T>;
}
/** A decision whose outcome can be asserted. */
export interface When<S, T extends Types> {
    /** Fails unless exactly these events were decided; without arguments, unless there were none. */
    then(...events: DomainEvent<T>[]): Promise<void>;
    /** Fails unless the decision threw this error. */
    thenFails(error: ExpectedError): Promise<void>;
    /** Fails unless this is the state after the decided events. */
    thenState(state: S): Promise<void>;
}
/**
 * Starts a scenario with the events of an aggregate. They are encoded and decoded as by the store, which reveals data
 * that can't be represented in JSON and schemas that do not match.
 *
 * @example
 * await given(order, { type: "OrderPlaced", data: { customer: "ada" } })
 *   .when(ship)
 *   .then({ type: "OrderShipped", data: { at: "noon" } });
 */
export declare function given<S, T extends Types>(aggregate: Aggregate<S, T>, ...events: DomainEvent<T>[]): Given<S, T>;
/** Starts a scenario for a decision on facts (see decideOn), with events in any streams. */
export declare function givenFacts<T extends Types, M extends DecisionModels<T>>(schema: Schema<T>, models: M, ...events: Placed<T>[]): {
    /** Makes the decision. */
    when: (decide: (facts: Facts<M>) => readonly Placed<T>[] | Promise<readonly Placed<T>[]>) => {
        /** Fails unless exactly these events were decided. */
        then: (...expected: Placed<T>[]) => Promise<void>;
        /** Fails unless the decision threw this error. */
        thenFails: (error: ExpectedError) => Promise<void>;
    };
};
/** Applies events to a projection, in memory and without a server. */
export declare function project<T extends Types>(store: MemoryStore, projection: Projection<MemoryTransaction>, schema: Schema<T>, events: readonly Placed<T>[]): Promise<void>;
/** Creates an event as the store returns it. */
export declare function recorded<T extends Types>(schema: Schema<T>, event: DomainEvent<T>, stream: string, n: number): RecordedEvent;
//# sourceMappingURL=scenario.d.ts.map