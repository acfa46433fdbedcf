/** Tests of projections and process managers that get their events from a consumer group. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { type Client, newId } from "../../src/index.js";
import { TestServer } from "../../src/testing/index.js";
import {
  decideOn,
  MemoryStore,
  processManager,
  type ProjectionProblem,
  ProjectionError,
  Projections,
  StateStore,
  type StateTransaction,
  type Projection,
} from "../../src/toolkit/index.js";
import { orders, totals } from "./orders.js";
import { memoryTable } from "./stores.js";
import { listOf, until } from "../client/fixtures.js";

const QUICK = { pauseFirstMs: 5, pauseMaxMs: 50, triesMax: 3 };

async function append(client: Client, stream: string, ...cents: number[]): Promise<number> {
  const events = cents.map((one) => orders.encode({ type: "ItemAdded", data: { item: "tea", cents: one } }));
  return (await client.append(stream, "any", events)).lastPosition;
}

/** A projection that counts events in state, in an exclusive group. */
const counts = (onEvent: () => void = () => undefined): Projection<StateTransaction> => ({
  name: "counts",
  group: "counts",
  tables: ["counts"],
  query: { types: ["ItemAdded"] },
  handle: async ({ stream }, { tx, table }) => {
    onEvent();
    const rows = tx.table(table("counts"));
    rows.put(stream, { n: ((await rows.json<{ n: number }>(stream))?.n ?? 0) + 1 });
  },
});

test("a projection runs through an exclusive group, and callers can wait for it", async () => {
  await using server = await TestServer.start();
  const client = server.client();
  await append(client, "order-1", 1, 2, 3);
  const store = new MemoryStore();
  const one = { ...totals(memoryTable), group: "totals" };
  await using projections = new Projections(client, store, [one], QUICK);
  await projections.waitFor(await append(client, "order-2", 10));
  assert.deepEqual(Object.fromEntries(store.table("totals")), { "order-1": 6, "order-2": 10 });
  const { group, consumers } = await client.describeGroup("totals");
  assert.deepEqual([group.settings.mode, consumers.length], ["exclusive", 1]);
  // A position without events of the projection is reached as well.
  const other = orders.encode({ type: "OrderConfirmed", data: {} });
  await projections.waitFor((await client.append("another", "any", [other])).lastPosition);
  await projections.stop();
  assert.deepEqual((await client.describeGroup("totals")).consumers, []);
});

test("another process takes the place of one that stops, and no event is applied twice", async () => {
  await using server = await TestServer.start();
  const client = server.client();
  let [first, second] = [0, 0];
  const store = new StateStore(client);
  const one = new Projections(client, store, [counts(() => (first += 1))], QUICK);
  await one.waitFor(await append(client, "order-1", 1, 2, 3));
  await using two = new Projections(server.client(), new StateStore(client), [counts(() => (second += 1))], QUICK);
  await two.waitFor(0);
  await until("both are connected", async () => (await client.describeGroup("counts")).consumers.length === 2);
  // The one that stands by learns of the other's progress.
  await two.waitFor(await append(client, "order-1", 4));
  assert.deepEqual([first, second], [4, 0]);
  await one.stop();
  await two.waitFor(await append(client, "order-1", 5, 6));
  assert.deepEqual([first, second], [4, 2]);
  assert.deepEqual((await store.get("counts", "order-1"))?.json(), { n: 6 });
  assert.equal((await client.describeGroup("counts")).group.version, 1);
});

test("a group that is reset, or ahead of its projection, applies no event twice and leaves none out", async () => {
  await using server = await TestServer.start();
  const client = server.client();
  const store = new StateStore(client);
  let handled = 0;
  await append(client, "order-1", 1, 2, 3);
  // Ahead: the group has done events that the projection has never seen.
  await client.createGroup("counts", { mode: "exclusive", query: { types: ["ItemAdded"] } }, { start: "end" });
  await using projections = new Projections(client, store, [counts(() => (handled += 1))], QUICK);
  await projections.waitFor(await append(client, "order-1", 4));
  assert.equal(handled, 4);
  await client.resetGroup("counts", "beginning");
  await projections.waitFor(await append(client, "order-1", 5));
  await until("the group is done", async () => (await client.describeGroup("counts")).inFlight === 0);
  assert.equal(handled, 5);
  assert.deepEqual((await store.get("counts", "order-1"))?.json(), { n: 5 });
});

test("a failed event of a projection becomes a dead letter, and nothing is parked", async () => {
  await using server = await TestServer.start();
  const client = server.client();
  const store = new MemoryStore();
  const failing = {
    ...totals(memoryTable),
    group: "totals",
    handle: (event: Parameters<Projection<unknown>["handle"]>[0]) => {
      if (event.revision === 1) throw new Error("never");
    },
  };
  await using projections = new Projections(client, store, [failing], QUICK);
  await projections.waitFor(await append(client, "order-1", 1, 2, 3));
  const [letter, ...more] = await projections.get("totals").deadLetters();
  assert.deepEqual([letter?.revision, letter?.reason, more], [1, "Error: never", []]);
  assert.equal((await client.describeGroup("totals")).parked, 0);
});

test("transient failures of the store do not count as attempts of the group", async () => {
  await using server = await TestServer.start();
  const client = server.client();
  const store = new StateStore(client);
  let broken = true;
  const problems: ProjectionProblem[] = [];
  await client.createGroup("counts", { mode: "exclusive", query: { types: ["ItemAdded"] }, maxAttempts: 2 });
  let handling = 0;
  const one = counts(() => {
    handling += 1;
    if (broken) throw Object.assign(new Error("the database is away"), { isAway: true });
  });
  store.isPassing = (error) => error instanceof Error && "isAway" in error;
  await using projections = new Projections(client, store, [one], { ...QUICK, onError: (p) => problems.push(p) });
  const position = await append(client, "order-1", 1, 2);
  await until("it has failed often", () => handling > 6);
  assert.equal(projections.get("counts").status.state, "retrying");
  broken = false;
  await projections.waitFor(position);
  assert.deepEqual((await store.get("counts", "order-1"))?.json(), { n: 2 });
  assert.equal((await client.describeGroup("counts")).parked, 0);
  assert.ok(problems.every(({ then }) => then === "retry"));
});

test("a rebuild replaces the live build, and continues with the group", async () => {
  await using server = await TestServer.start();
  const client = server.client();
  const store = new StateStore(client);
  await using projections = new Projections(client, store, [counts()], QUICK);
  await projections.waitFor(await append(client, "order-1", 1, 2));
  await projections.get("counts").rebuild();
  assert.equal(projections.get("counts").status.generation, 2);
  await projections.waitFor(await append(client, "order-1", 3));
  assert.deepEqual((await store.get("counts", "order-1"))?.json(), { n: 3 });
  await until("one consumer is connected", async () => {
    const { consumers, lagEvents } = await client.describeGroup("counts");
    return consumers.length === 1 && lagEvents === 0;
  });
});

test("process managers share the work of an ordered group, and a failed event is retried and parked", async () => {
  await using server = await TestServer.start();
  const client = server.client();
  await client.createGroup("gifts", {
    query: { types: ["ItemAdded"], streamPrefixes: ["order-"] },
    maxAttempts: 2,
    retryDelay: { milliseconds: 10 },
  });
  const reactions: string[] = [];
  const attempts = new Map<string, number>();
  const manager = (by: string) =>
    processManager({
      name: "gifts",
      group: "gifts",
      schema: orders,
      streamPrefixes: ["order-"],
      reactions: {
        ItemAdded: async ({ cents }, { event }) => {
          attempts.set(event.id, (attempts.get(event.id) ?? 0) + 1);
          if (cents === 13) throw new Error("unlucky");
          if (cents === 7 && attempts.get(event.id) === 1) throw new Error("at first");
          await decideOn(client, orders, {}, () => [
            { stream: `gift-${event.id}`, type: "OrderConfirmed", data: {} },
          ]);
          reactions.push(by);
        },
      },
    });
  const problems: ProjectionProblem[] = [];
  const options = { ...QUICK, concurrency: 4, onError: (problem: ProjectionProblem) => problems.push(problem) };
  const stores = [new StateStore(client), new StateStore(client)];
  const [one, two] = stores.map((store, n) => new Projections(client, store, [manager(`${n}`)], options));
  await until("both are connected", async () => (await client.describeGroup("gifts")).consumers.length === 2);
  for (let n = 0; n < 20; n += 1) {
    await append(client, `order-${n}`, 1, n === 3 ? 13 : 2, n === 5 ? 7 : 3);
  }
  const last = await append(client, "order-x", 1);
  await Promise.all([one!.waitFor(last), two!.waitFor(last)]);
  assert.equal((await listOf(client.listStreams("gift-"))).length, 60);
  assert.deepEqual([...new Set(reactions)].sort(), ["0", "1"]);
  const [parked, ...more] = await listOf(client.listParked("gifts"));
  assert.deepEqual([parked?.stream, parked?.reason, parked?.attempts, more], ["order-3", "unlucky", 2, []]);
  assert.equal(problems.length, 3);
  await Promise.all([one!.stop(), two!.stop()]);
});

test("a group of another mode is refused, and one of another query gets that of the projection", async () => {
  await using server = await TestServer.start();
  const client = server.client();
  const store = new StateStore(client);
  await client.createGroup("counts", { mode: "unordered" });
  {
    await using projections = new Projections(client, store, [counts()], QUICK);
    await assert.rejects(projections.waitFor(1), (error) => {
      assert.ok(error instanceof ProjectionError);
      assert.equal(
        error.message,
        'group "counts" is unordered, but projection "counts" needs an exclusive one; use another group',
      );
      return true;
    });
  }
  await client.updateGroup("counts", { mode: "exclusive", query: { types: [newId()] }, maxAttempts: 7 });
  await using projections = new Projections(client, store, [counts()], QUICK);
  await projections.waitFor(await append(client, "order-1", 1));
  const { settings } = (await client.describeGroup("counts")).group;
  assert.deepEqual([settings.query, settings.maxAttempts], [[{ types: ["ItemAdded"] }], 7]);
});
