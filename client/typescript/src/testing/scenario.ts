/** Tests of decisions without a server: given events, when a command, then events or an error. */
import assert from "node:assert/strict";

import { RecordedEvent } from "../events.js";
import { Timestamp } from "../timestamp.js";
import { type Aggregate, type Decide, listOf } from "../toolkit/aggregate.js";
import { type DecisionModels, type Facts, FactsSoFar, type Placed } from "../toolkit/decision.js";
import type { Projection, Target } from "../toolkit/projection/definition.js";
import type { MemoryStore, MemoryTransaction } from "../toolkit/projection/memory.js";
import { tableOf } from "../toolkit/projection/store.js";
import { type DomainEvent, type Schema, SchemaError, type Types } from "../toolkit/schema.js";

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
export function given<S, T extends Types>(aggregate: Aggregate<S, T>, ...events: DomainEvent<T>[]): Given<S, T> {
  return {
    when: (decide) => {
      const state = events.reduce(
        (before, event, n) => aggregate.evolve(before, stored(aggregate.schema, event, "given-1", n)),
        aggregate.initial(),
      );
      const decided = (async () => listOf(await decide(state)))();
      // Prevents an unhandled rejection; the assertions below await it later.
      decided.catch(() => undefined);
      return {
        then: async (...expected) => {
          compare(aggregate.schema, await decided, expected);
        },
        thenFails: (error) => fails(decided, error),
        thenState: async (expected) => {
          const after = (await decided).reduce(
            (before, event, n) => aggregate.evolve(before, stored(aggregate.schema, event, "given-1", n)),
            state,
          );
          assert.deepEqual(after, expected);
        },
      };
    },
  };
}

/** Starts a scenario for a decision on facts (see decideOn), with events in any streams. */
export function givenFacts<T extends Types, M extends DecisionModels<T>>(
  schema: Schema<T>,
  models: M,
  ...events: Placed<T>[]
) {
  return {
    /** Makes the decision. */
    when: (decide: (facts: Facts<M>) => readonly Placed<T>[] | Promise<readonly Placed<T>[]>) => {
      const facts = new FactsSoFar<T, M>(models);
      events.forEach((event, n) => {
        facts.take(stored(schema, event, event.stream, n), recorded(schema, event, event.stream, n));
      });
      const decided = (async () => decide(facts.facts))();
      decided.catch(() => undefined);
      return {
        /** Fails unless exactly these events were decided. */
        then: async (...expected: Placed<T>[]): Promise<void> => {
          const got = await decided;
          assert.deepEqual(
            got.map(({ stream }) => stream),
            expected.map(({ stream }) => stream),
          );
          compare(schema, got, expected);
        },
        /** Fails unless the decision threw this error. */
        thenFails: (error: ExpectedError): Promise<void> => fails(decided, error),
      };
    },
  };
}

/** Applies events to a projection, in memory and without a server. */
export async function project<T extends Types>(
  store: MemoryStore,
  projection: Projection<MemoryTransaction>,
  schema: Schema<T>,
  events: readonly Placed<T>[],
): Promise<void> {
  const tables = projection.tables ?? [];
  await store.transaction(async (tx) => {
    const target: Target<MemoryTransaction> = { tx, generation: 1, table: (name) => tableOf(name, 1) };
    await projection.setup?.(target);
    for (const [n, event] of events.entries()) {
      await projection.handle(recorded(schema, event, event.stream, n), target);
    }
    await store.expose(tx, projection.name, 1, tables);
  });
}

/** Creates an event as the store returns it. */
export function recorded<T extends Types>(
  schema: Schema<T>,
  event: DomainEvent<T>,
  stream: string,
  n: number,
): RecordedEvent {
  const { id, type, data, metadata, tags } = schema.encode(event);
  return new RecordedEvent(id, stream, n, n + 1, type, data, metadata, tags, new Timestamp(n));
}

function stored<T extends Types>(
  schema: Schema<T>,
  event: DomainEvent<T>,
  stream: string,
  n: number,
): DomainEvent<T> {
  const decoded = schema.decode(recorded(schema, event, stream, n));
  if (decoded === undefined) {
    throw new SchemaError(`event type ${JSON.stringify(event.type)} is not in the schema; add it`);
  }
  return decoded;
}

function compare<T extends Types>(
  schema: Schema<T>,
  decided: readonly DomainEvent<T>[],
  expected: readonly DomainEvent<T>[],
): void {
  const asStored = (events: readonly DomainEvent<T>[]) =>
    events.map((event, n) => stored(schema, event, "given-1", n));
  assert.deepEqual(asStored(decided), asStored(expected));
}

async function fails(decided: Promise<unknown>, error: ExpectedError): Promise<void> {
  await assert.rejects(decided, error as never);
}
