/** Tests of projection versions on every store: a higher version is built beside the live one, and replaces it. */
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { test } from "node:test";

import { Client } from "../../src/index.js";
import { TestServer } from "../../src/testing/index.js";
import { MemoryStore, type Projection, ProjectionError, Projections } from "../../src/toolkit/index.js";
import { orders, totals } from "./orders.js";
import { type Kind, memory, postgres, sqlite, state } from "./stores.js";

const QUICK = { pauseFirstMs: 5, pauseMaxMs: 50, triesMax: 3 };

async function append(client: Client, stream: string, ...cents: number[]): Promise<number> {
  const events = cents.map((one) => orders.encode({ type: "ItemAdded", data: { item: "tea", cents: one } }));
  return (await client.append(stream, "any", events)).lastPosition;
}

/** Totals that depend on the version, by which amounts are multiplied. They wait for the gate before each event. */
function inVersion(
  kind: Kind<unknown>,
  version: number,
  gate: () => Promise<unknown> = () => Promise.resolve(),
): Projection<unknown> {
  const table = {
    ...kind.table,
    add: async (...[target, order, cents]: Parameters<typeof kind.table.add>) => {
      await gate();
      await kind.table.add(target, order, cents * version);
    },
  };
  return { ...totals(table), version };
}

/** Creates a gate that is closed until it is opened, and signals when a caller waits at it. */
function shut(): { gate: () => Promise<void>; reached: Promise<unknown>; open: () => void } {
  const events = new EventEmitter();
  const [reached, opened] = [once(events, "reached"), once(events, "open")];
  const gate = async () => {
    events.emit("reached");
    await opened;
  };
  return { gate, reached, open: () => events.emit("open") };
}

function onEveryStore(what: string, body: (kind: Kind<unknown>, client: Client) => Promise<void>): void {
  const kinds: Record<string, () => Promise<Kind<unknown> | undefined>> = { memory, sqlite, postgres, state };
  for (const [name, open] of Object.entries(kinds)) {
    void test(`${name}: ${what}`, async (context) => {
      const opened = await open();
      if (opened === undefined) {
        context.skip("no PostgreSQL is installed");
        return;
      }
      await using kind = opened;
      await using server = await TestServer.start();
      await body(kind, server.client());
    });
  }
}

/** Runs a version up to a position, and stops it. */
async function run(
  kind: Kind<unknown>,
  client: Client,
  version: number,
  position: number,
): Promise<Projections<unknown>> {
  const projections = new Projections(client, kind.store, [inVersion(kind, version)], QUICK);
  await projections.waitFor(position);
  await projections.stop();
  return projections;
}

onEveryStore(
  "a higher version is built beside the live one, which readers see until it has caught up",
  async (kind, client) => {
    const position = await append(client, "order-1", 1, 2, 3);
    await run(kind, client, 1, position);
    const { gate, reached, open } = shut();
    await using projections = new Projections(client, kind.store, [inVersion(kind, 2, gate)], QUICK);
    const running = projections.get("totals");
    await reached;
    assert.deepEqual(await kind.totals(), { "order-1": 6 });
    assert.deepEqual(running.status, {
      name: "totals",
      state: "rebuilding",
      generation: 1,
      position,
      rebuilding: { generation: 2, position: 0 },
      problem: undefined,
    });
    await assert.rejects(running.waitFor(0, { timeoutMs: 20 }), ProjectionError);
    await assert.rejects(running.rebuild(), /is being rebuilt already/);
    await assert.rejects(running.retryDeadLetters(), /is being rebuilt for version 2/);
    assert.equal((await running.lag()).events, 0);
    open();
    await running.waitFor(position);
    assert.deepEqual(await kind.totals(), { "order-1": 12 });
    await running.waitFor(await append(client, "order-1", 10));
    assert.deepEqual(await kind.totals(), { "order-1": 32 });
    const { state, generation, rebuilding } = running.status;
    assert.deepEqual([state, generation, rebuilding], ["running", 2, undefined]);
    const builds = await kind.store.transaction((tx) => kind.store.checkpoints(tx, "totals"));
    assert.deepEqual(
      builds.map((build) => [build.generation, build.version, build.state]),
      [[2, 2, "live"]],
    );
  },
);

onEveryStore(
  "the same version continues, a rebuild keeps it, and a lower one fails and changes nothing",
  async (kind, client) => {
    const position = await append(client, "order-1", 1, 2, 3);
    await run(kind, client, 2, position);
    {
      await using again = new Projections(client, kind.store, [inVersion(kind, 2)], QUICK);
      await again.waitFor(position);
      assert.equal(again.get("totals").status.generation, 1);
      await again.get("totals").rebuild();
    }
    assert.equal((await run(kind, client, 2, position)).get("totals").status.generation, 2);
    await using older = new Projections(client, kind.store, [inVersion(kind, 1)], QUICK);
    await assert.rejects(
      older.waitFor(position),
      /projection "totals" was built by version 2, but this program has version 1/,
    );
    assert.equal(older.get("totals").status.state, "failed");
    assert.deepEqual(await kind.totals(), { "order-1": 12 });
  },
);

onEveryStore("a stopped build continues in its version, and is replaced by a higher one", async (kind, client) => {
  const position = await append(client, "order-1", 1, 2, 3);
  await run(kind, client, 1, position);
  for (const [version, generation] of [
    [2, 2],
    [2, 2],
    [3, 3],
  ] as const) {
    const { gate, reached, open } = shut();
    const projections = new Projections(
      client,
      kind.store,
      [
        inVersion(kind, version, () =>
          gate().then(() => {
            throw new Error("stop");
          }),
        ),
      ],
      { ...QUICK, triesMax: 1_000 },
    );
    await reached;
    assert.equal(projections.get("totals").status.rebuilding?.generation, generation);
    assert.deepEqual(await kind.totals(), { "order-1": 6 });
    open();
    await projections.stop();
  }
  await run(kind, client, 3, position);
  assert.deepEqual(await kind.totals(), { "order-1": 18 });
  const builds = await kind.store.transaction((tx) => kind.store.checkpoints(tx, "totals"));
  assert.deepEqual(
    builds.map((build) => [build.generation, build.version, build.state]),
    [[3, 3, "live"]],
  );
});

onEveryStore(
  "programs of both versions can run concurrently: the higher one takes over, and the lower one then fails",
  async (kind, client) => {
    await append(client, "order-1", ...Array.from({ length: 50 }, () => 1));
    await using old = new Projections(client, kind.store, [inVersion(kind, 1)], QUICK);
    await old.waitFor(50);
    const newer = Array.from({ length: 3 }, () => new Projections(client, kind.store, [inVersion(kind, 2)], QUICK));
    let position = 0;
    for (let n = 0; n < 20; n += 1) position = await append(client, "order-1", 1);
    for (const projections of newer) await projections.waitFor(position);
    assert.deepEqual(await kind.totals(), { "order-1": 140 });
    await assert.rejects(old.waitFor(position + 1), /built by version 2/);
    await Promise.all(newer.map((projections) => projections.waitFor(position)));
    for (let n = 0; n < 20; n += 1) position = await append(client, "order-1", 1);
    for (const projections of newer) await projections.waitFor(position);
    assert.deepEqual(await kind.totals(), { "order-1": 180 });
    await Promise.all(newer.map((projections) => projections.stop()));
  },
);

test("a version is a whole number from 1", () => {
  using client = new Client("http://127.0.0.1:2113");
  for (const version of [0, -1, 1.5, NaN, "2" as unknown as number]) {
    assert.throws(
      () => new Projections(client, new MemoryStore(), [{ name: "odd", version, handle: () => undefined }]),
      /must be a whole number from 1/,
    );
  }
});
