/** Tests of the store of projections in state that other stores do not need. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { type Client, newEvent, newId } from "../../src/index.js";
import { TestServer } from "../../src/testing/index.js";
import {
  type DeadLetter,
  type Projection,
  ProjectionError,
  Projections,
  RejectedTransactionError,
  StateStore,
  type StateTransaction,
} from "../../src/toolkit/index.js";
import { orders, totals } from "./orders.js";
import { stateTable, stateTotals } from "./stores.js";

const QUICK = { pauseFirstMs: 5, pauseMaxMs: 50, triesMax: 2 };

let server: TestServer;
let client: Client;

before(async () => {
  server = await TestServer.start();
  client = server.client({ timeoutMs: 30_000 });
});
after(() => server[Symbol.asyncDispose]());

/** Returns a store whose scopes no other test uses. */
function newStore(): { store: StateStore; prefix: string } {
  const prefix = `${newId()}/`;
  return { store: new StateStore(client, { scopePrefix: prefix }), prefix };
}

async function append(to: Client, ...items: string[]): Promise<number> {
  const events = items.map((item) => orders.encode({ type: "ItemAdded", data: { item, cents: 1 } }));
  return (await to.append("order-1", "any", events)).lastPosition;
}

async function count(scope: string): Promise<number> {
  let entries = 0;
  for await (const entry of client.stateEntries(scope)) entries += entry.key === "" ? 0 : 1;
  return entries;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries += 1) {
    assert.ok(tries < 1_000, `not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const letter = (projection: string, position: number): DeadLetter => ({
  projection,
  generation: 1,
  position,
  eventId: newId(),
  stream: "order-1",
  revision: position - 1,
  type: "ItemAdded",
  reason: "it failed",
  tries: 2,
  failedAt: new Date(0).toISOString(),
});

test("a transaction reads its own changes, and writes all of them or none", async () => {
  const { store, prefix } = newStore();
  await store.transaction((tx) => {
    tx.table("t__1").put("a", 1);
    tx.table("t__1").put("b", new Uint8Array([7]));
    return Promise.resolve();
  });
  const seen = async (tx: StateTransaction) => {
    const table = tx.table("t__1");
    return [await table.json("a"), [...((await table.get("b")) ?? [])], await table.get("c")];
  };
  await assert.rejects(
    store.transaction(async (tx) => {
      const table = tx.table("t__1");
      assert.deepEqual(await seen(tx), [1, [7], undefined]);
      table.put("c", "new");
      table.put("a", 2);
      table.delete("b");
      table.delete("never");
      assert.deepEqual([await table.json("a"), await table.get("b"), await table.json("c")], [2, undefined, "new"]);
      assert.deepEqual(
        (await table.entries()).map(([key, value]) => [key, JSON.parse(new TextDecoder().decode(value)) as unknown]),
        [
          ["a", 2],
          ["c", "new"],
        ],
      );
      assert.deepEqual(await table.entries("b"), []);
      throw new RangeError("no");
    }),
    RangeError,
  );
  assert.deepEqual(await store.transaction(seen), [1, [7], undefined]);
  assert.equal((await client.getState(`${prefix}read-models/t__1`, "a"))?.json(), 1);
});

test("of transactions that read the same entry, all take effect", async () => {
  const { store } = newStore();
  let runs = 0;
  const increment = () =>
    store.transaction(async (tx) => {
      runs += 1;
      const table = tx.table("t__1");
      const n = (await table.json<number>("n")) ?? 0;
      await new Promise((resolve) => setTimeout(resolve, 2));
      table.put("n", n + 1);
    });
  await Promise.all(Array.from({ length: 8 }, increment));
  assert.equal(await store.transaction((tx) => tx.table("t__1").json("n")), 8);
  assert.ok(runs > 8);
});

test("a transaction that always conflicts gives up with a transient error", async () => {
  const { store, prefix } = newStore();
  let runs = 0;
  const overtaken = store.transaction(async (tx) => {
    runs += 1;
    await tx.table("t__1").get("n");
    await client.writeState([{ scope: `${prefix}read-models/t__1`, key: "n", put: runs }]);
    tx.table("t__1").put("n", "mine");
  });
  await assert.rejects(overtaken, (error: unknown) => store.isPassing(error));
  assert.ok(runs > 1);
  assert.equal(await store.transaction((tx) => tx.table("t__1").json("n")), runs);
});

test("a transaction that does not fit, or is not valid, is rejected, also if that error was caught", async () => {
  const { store } = newStore();
  const rejected = async (body: (tx: StateTransaction) => Promise<void>) => {
    await assert.rejects(store.transaction(body), RejectedTransactionError);
  };
  await rejected(async (tx) => {
    for (let n = 0; n < 1_001; n += 1) tx.table("t__1").put(`${n}`, n);
    return Promise.resolve();
  });
  await rejected(async (tx) => {
    try {
      for (let n = 0; n < 1_001; n += 1) tx.table("t__1").put(`${n}`, n);
    } catch {
      // The transaction must not be written without the last change.
    }
    return Promise.resolve();
  });
  await rejected(async (tx) => {
    for (let n = 0; n < 1_001; n += 1) await tx.table("t__1").get(`${n}`);
  });
  for (const [key, value] of [["", 1], ["k".repeat(513), 1], ["a\n", 1], ["a", "v".repeat(70_000)]] as const) {
    await rejected((tx) => {
      tx.table("t__1").put(key, value);
      return Promise.resolve();
    });
  }
  await rejected(async (tx) => {
    for (let n = 0; n < 100; n += 1) tx.table("t__1").put(`${n}`, new Uint8Array(60_000));
    return Promise.resolve();
  });
  await store.transaction((tx) => {
    for (let n = 0; n < 1_000; n += 1) tx.table("t__1").put(`${n}`, n);
    return Promise.resolve();
  });
});

/** Writes three entries for each event, and more or wrong ones for some. */
const wide: Projection<StateTransaction> = {
  name: "wide",
  tables: ["wide"],
  handle: (event, { tx, table }) => {
    const rows = tx.table(table("wide"));
    const { item } = event.json<{ item: string }>();
    const entries = item === "huge" ? 1_001 : 3;
    for (let n = 0; n < entries; n += 1) rows.put(`${event.position}/${n}`, item);
    if (item === "wrong") rows.put("", item);
  },
};

test("a batch that does not fit is divided, and an event that does not fit becomes a dead letter", async () => {
  await using own = await TestServer.start();
  const events = own.client({ timeoutMs: 30_000 });
  const { store } = newStore();
  await append(events, ...Array.from({ length: 700 }, () => "tea"));
  await append(events, "huge", "tea", "wrong", "tea");
  const position = await append(events, ...Array.from({ length: 600 }, () => "tea"));
  const batches: number[] = [];
  const onBatch = ({ events: handled }: { readonly events: number }) => batches.push(handled);
  await using projections = new Projections(events, store, [wide], { ...QUICK, onBatch });
  await projections.waitFor(position, { timeoutMs: 60_000 });
  const letters = await projections.get("wide").deadLetters();
  assert.deepEqual(
    letters.map((found) => [found.position, found.tries]),
    [
      [701, 2],
      [703, 2],
    ],
  );
  assert.match(letters[0]?.reason ?? "", /^RejectedTransactionError: the transaction has more than 1000 changes/);
  assert.match(letters[1]?.reason ?? "", /^RejectedTransactionError: the transaction can't be written: .*key/);
  const rows = await store.entries("wide");
  assert.equal(rows.length, 1_302 * 3);
  assert.deepEqual(
    batches.reduce((sum, handled) => sum + handled, 0),
    1_302,
  );
  assert.ok(Math.max(...batches) > 100);
});

test("progress and read models are where they are documented, and can be read", async () => {
  const { store, prefix } = newStore();
  const position = await append(client, "tea", "cup");
  assert.equal(await store.scope("totals"), undefined);
  assert.equal(await store.get("totals", "order-1"), undefined);
  assert.deepEqual(await store.entries("totals"), []);
  await using projections = new Projections(client, store, [totals(stateTable)], QUICK);
  await projections.waitFor(position);
  const { storeId } = await client.serverInfo();
  const progress = `${prefix}projections/totals`;
  const builds = await client.getState(progress, "builds");
  assert.deepEqual(builds?.json(), { builds: [{ generation: 1, version: 1, state: "live" }], removed: [] });
  assert.deepEqual((await client.getState(progress, "checkpoint/1"))?.json(), { position, storeId });
  assert.deepEqual((await client.getState(`${prefix}read-models`, "totals"))?.json(), {
    projection: "totals",
    generation: 1,
  });
  assert.equal(await store.scope("totals"), `${prefix}read-models/totals__1`);
  const entry = await store.get("totals", "order-1");
  assert.deepEqual(entry?.json(), position);
  assert.deepEqual(
    (await store.entries("totals", { prefix: "order-" })).map(({ key }) => key),
    ["order-1"],
  );
  assert.deepEqual(await store.entries("totals", { prefix: "other-" }), []);
});

test("the entries of a replaced build are deleted, however many", async () => {
  const { store, prefix } = newStore();
  const position = await append(client, ...Array.from({ length: 900 }, () => "tea"));
  await using projections = new Projections(client, store, [wide], QUICK);
  await projections.waitFor(position, { timeoutMs: 60_000 });
  await store.transaction((tx) => store.saveDeadLetter(tx, letter("wide", 1)));
  assert.ok((await count(`${prefix}read-models/wide__1`)) >= 2_700);
  await projections.get("wide").rebuild();
  assert.equal(await store.scope("wide"), `${prefix}read-models/wide__2`);
  assert.ok((await store.entries("wide")).length >= 2_700);
  const progress = `${prefix}projections/wide`;
  await until("the first build is deleted", async () => {
    const builds = (await client.getState(progress, "builds"))?.json<{ removed: unknown[] }>();
    return builds?.removed.length === 0;
  });
  assert.equal(await count(`${prefix}read-models/wide__1`), 0);
  assert.equal(await client.getState(progress, "checkpoint/1"), undefined);
  assert.equal(await count(`${progress}/dead-letters`), 0);
});

test("a build that gets the number of a removed one begins with empty tables", async () => {
  const { store, prefix } = newStore();
  const build = { generation: 2, version: 1, state: "building", position: 0, storeId: newId() } as const;
  await store.transaction((tx) => store.saveCheckpoint(tx, "p", build));
  await store.transaction((tx) => {
    for (let n = 0; n < 900; n += 1) tx.table("t__2").put(`${n}`, "old");
    return Promise.resolve();
  });
  // Begun while the entries of the removed build are still there.
  await store.transaction((tx) => store.dropBuild(tx, "p", 2, ["t"]));
  await store.transaction(async (tx) => {
    await store.saveCheckpoint(tx, "p", build);
    assert.equal(await tx.table("t__2").get("899"), undefined);
    tx.table("t__2").put("new", 1);
  });
  await until("nothing is left to remove", async () => {
    const builds = (await client.getState(`${prefix}projections/p`, "builds"))?.json<{ removed: unknown[] }>();
    return builds?.removed.length === 0;
  });
  assert.equal(await count(`${prefix}read-models/t__2`), 1);
  assert.deepEqual(await store.transaction((tx) => store.checkpoints(tx, "p")), [build]);
});

test("dead letters are in the order of their positions, and one is removed only once", async () => {
  const { store } = newStore();
  const reason = `${"x".repeat(100_000)}\ud800`;
  for (const position of [10, 9, 2, 1_000]) {
    await store.transaction((tx) => store.saveDeadLetter(tx, { ...letter("p", position), reason }));
  }
  const all = () => store.transaction((tx) => store.deadLetters(tx, "p", 1));
  const [first] = await all();
  assert.deepEqual(
    (await all()).map(({ position }) => position),
    [2, 9, 10, 1_000],
  );
  assert.ok(first !== undefined);
  assert.match(first.reason, /^x{1000,8000}$/);
  const drop = () => store.transaction((tx) => store.dropDeadLetter(tx, first));
  const results = await Promise.allSettled([drop(), drop()]);
  assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  assert.equal((await all()).length, 3);
});

test("a projection in state is read from two processes of which one rebuilds it", async () => {
  const { store } = newStore();
  const other = server.client();
  const before = (await client.readStream("order-1").toArray()).length;
  const position = await append(client, ...Array.from({ length: 50 }, () => "tea"));
  await using one = new Projections(client, store, [totals(stateTable)], QUICK);
  await using two = new Projections(other, store, [totals(stateTable)], QUICK);
  await one.waitFor(position);
  await two.waitFor(position);
  const state = { over: false };
  const reading = (async () => {
    let reads = 0;
    for (; !state.over; reads += 1) assert.ok(((await stateTotals(store))["order-1"] ?? 0) >= before + 50);
    return reads;
  })();
  let last = position;
  for (let round = 0; round < 5; round += 1) {
    const rebuilt = one.get("totals").rebuild();
    for (let n = 0; n < 5; n += 1) last = await append(client, "tea", "cup");
    await rebuilt;
  }
  state.over = true;
  assert.ok((await reading) > 5);
  await one.waitFor(last);
  await two.waitFor(last);
  assert.deepEqual(await stateTotals(store), { "order-1": before + 100 });
});

test("a table belongs to one projection", async () => {
  const { store } = newStore();
  await store.transaction((tx) => store.expose(tx, "one", 1, ["t"]));
  await assert.rejects(
    store.transaction((tx) => store.expose(tx, "other", 1, ["t"])),
    new ProjectionError('table "t" of projection "other" belongs to projection "one"'),
  );
});

/** Entries of state in a file that the tests of all toolkits use. */
interface Layout {
  before: { scope: string; key: string; value: unknown }[];
  after: { scope: string; key?: string; value?: unknown }[];
}

test("a read model of another language is continued", async () => {
  await using own = await TestServer.start();
  const other = own.client();
  const file = new URL("../../../../../tests/interop/projection-in-state.json", import.meta.url);
  const { storeId } = await other.serverInfo();
  const layout = JSON.parse((await readFile(file, "utf8")).replaceAll("STORE", storeId)) as Layout;
  await other.writeState(layout.before.map(({ scope, key, value }) => ({ scope, key, put: value })));
  const id = "6b1e7d1c-0000-4000-8000-000000000002";
  await other.append("layout-a", "no-stream", [newEvent("A"), newEvent("Bad", null, { id }), newEvent("A")]);
  const counts: Projection<StateTransaction> = {
    name: "layout",
    version: 3,
    query: [{ streamPrefixes: ["layout-"] }],
    tables: ["layout_rows"],
    handle: async (event, { tx, table }) => {
      if (event.type === "Bad") throw new RangeError("bad");
      const rows = tx.table(table("layout_rows"));
      rows.put(event.stream, ((await rows.json<number>(event.stream)) ?? 0) + 1);
    },
  };
  const store = new StateStore(other);
  await using projections = new Projections(other, store, [counts], { ...QUICK, triesMax: 3 });
  await projections.waitFor(3);
  assert.equal((await store.get("layout_rows", "layout-a"))?.json(), 2);
  const [kept, ...more] = await store.transaction((tx) => store.deadLetters(tx, "layout", 2));
  assert.deepEqual(more, []);
  assert.deepEqual(
    { eventId: kept?.eventId, reason: kept?.reason, tries: kept?.tries, failedAt: kept?.failedAt },
    { eventId: id, reason: "bad", tries: 5, failedAt: "2026-12-01T10:20:30.456789Z" },
  );
  await projections.get("layout").rebuild();
  await until("the old build is deleted", async () => {
    const builds = (await other.getState("projections/layout", "builds"))?.json<{ removed: unknown[] }>();
    return builds?.removed.length === 0;
  });
  const found: unknown[] = [];
  for (const scope of new Set(layout.after.map((entry) => entry.scope))) {
    for await (const entry of other.stateEntries(scope)) {
      const value = entry.json();
      if (scope.endsWith("/dead-letters")) Object.assign(value as object, { reason: "REASON", buriedAt: "TIME" });
      found.push({ scope, key: entry.key, value });
    }
  }
  assert.deepEqual(
    found,
    layout.after.filter(({ key }) => key !== undefined),
  );
});
