/** Tests of decisions without a server: given events, when a command, then events or an error. */
import assert from "node:assert/strict";
import { RecordedEvent } from "../events.js";
import { Timestamp } from "../timestamp.js";
import { listOf } from "../toolkit/aggregate.js";
import { FactsSoFar } from "../toolkit/decision.js";
import { tableOf } from "../toolkit/projection/store.js";
import { SchemaError } from "../toolkit/schema.js";
/**
 * Starts a scenario with the events of an aggregate. They are encoded and decoded as by the store, which reveals data
 * that can't be represented in JSON and schemas that do not match.
 *
 * @example
 * await given(order, { type: "OrderPlaced", data: { customer: "ada" } })
 *   .when(ship)
 *   .then({ type: "OrderShipped", data: { at: "noon" } });
 */
export function given(aggregate, ...events) {
    return {
        when: (decide) => {
            const state = events.reduce((before, event, n) => aggregate.evolve(before, stored(aggregate.schema, event, "given-1", n)), aggregate.initial());
            const decided = (async () => listOf(await decide(state)))();
            // Prevents an unhandled rejection; the assertions below await it later.
            decided.catch(() => undefined);
            return {
                then: async (...expected) => {
                    compare(aggregate.schema, await decided, expected);
                },
                thenFails: (error) => fails(decided, error),
                thenState: async (expected) => {
                    const after = (await decided).reduce((before, event, n) => aggregate.evolve(before, stored(aggregate.schema, event, "given-1", n)), state);
                    assert.deepEqual(after, expected);
                },
            };
        },
    };
}
/** Starts a scenario for a decision on facts (see decideOn), with events in any streams. */
export function givenFacts(schema, models, ...events) {
    return {
        /** Makes the decision. */
        when: (decide) => {
            const facts = new FactsSoFar(models);
            events.forEach((event, n) => {
                facts.take(stored(schema, event, event.stream, n), recorded(schema, event, event.stream, n));
            });
            const decided = (async () => decide(facts.facts))();
            decided.catch(() => undefined);
            return {
                /** Fails unless exactly these events were decided. */
                then: async (...expected) => {
                    const got = await decided;
                    assert.deepEqual(got.map(({ stream }) => stream), expected.map(({ stream }) => stream));
                    compare(schema, got, expected);
                },
                /** Fails unless the decision threw this error. */
                thenFails: (error) => fails(decided, error),
            };
        },
    };
}
/** Applies events to a projection, in memory and without a server. */
export async function project(store, projection, schema, events) {
    const tables = projection.tables ?? [];
    await store.transaction(async (tx) => {
        const target = { tx, generation: 1, table: (name) => tableOf(name, 1) };
        await projection.setup?.(target);
        for (const [n, event] of events.entries()) {
            await projection.handle(recorded(schema, event, event.stream, n), target);
        }
        await store.expose(tx, 1, tables);
    });
}
/** Creates an event as the store returns it. */
export function recorded(schema, event, stream, n) {
    const { id, type, data, metadata, tags } = schema.encode(event);
    return new RecordedEvent(id, stream, n, n + 1, type, data, metadata, tags, new Timestamp(n));
}
function stored(schema, event, stream, n) {
    const decoded = schema.decode(recorded(schema, event, stream, n));
    if (decoded === undefined) {
        throw new SchemaError(`event type ${JSON.stringify(event.type)} is not in the schema; add it`);
    }
    return decoded;
}
function compare(schema, decided, expected) {
    const asStored = (events) => events.map((event, n) => stored(schema, event, "given-1", n));
    assert.deepEqual(asStored(decided), asStored(expected));
}
async function fails(decided, error) {
    await assert.rejects(decided, error);
}
//# sourceMappingURL=scenario.js.map