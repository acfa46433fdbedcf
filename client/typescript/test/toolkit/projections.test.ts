/**
 * Tests of projections on every store: exactly-once handling under failures, dead letters, rebuilds, lag, waiting.
 */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { type Client, nameId, newId } from "../../src/index.js";
import { project, TestServer } from "../../src/testing/index.js";
import {
  contextOf,
  decideOn,
  MemoryStore,
  processManager,
  type Projection,
  ProjectionError,
  type ProjectionProblem,
  Projections,
  Repository,
  waitForProjection,
} from "../../src/toolkit/index.js";
import { addItem, order, orders, type OrderTypes, place, totals } from "./orders.js";
import { type Kind, memory, memoryTable, postgres, sqlite, state } from "./stores.js";

const QUICK = { pauseFirstMs: 5, pauseMaxMs: 50, triesMax: 3 };

const item = (cents: number, name = "tea") => orders.encode({ type: "ItemAdded", data: { item: name, cents } });

async function append(client: Client, stream: string, ...cents: number[]): Promise<number> {
  return (
    await client.append(
      stream,
      "any",
      cents.map((one) => item(one)),
    )
  ).lastPosition;
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries += 1) {
    assert.ok(tries < 2_000, `not within 20 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Defines the same tests for each kind of store. */
function onEveryStore(name: string, open: () => Promise<Kind<unknown> | undefined>): void {
  const using = (
    what: string,
    body: (kind: Kind<unknown>, server: TestServer, context: TestContext) => Promise<void>,
  ) => {
    void test(`${name}: ${what}`, async (context) => {
      const opened = await open();
      if (opened === undefined) {
        context.skip("no PostgreSQL is installed");
        return;
      }
      await using_(opened, async (kind) => {
        await using server = await TestServer.start();
        await body(kind, server, context);
      });
    });
  };

  using("a projection handles existing and new events, and a caller can wait for it", async (kind, server) => {
    const client = server.client();
    await append(client, "order-1", 1, 2, 3);
    await using projections = new Projections(client, kind.store, [totals(kind.table)], QUICK);
    const position = await append(client, "order-2", 10, 20);
    await projections.waitFor(position);
    assert.deepEqual(await kind.totals(), { "order-1": 6, "order-2": 30 });
    const running = projections.get("totals");
    assert.deepEqual(await running.lag(), { events: 0, seconds: 0 });
    assert.deepEqual(
      { ...running.status, problem: undefined },
      { name: "totals", state: "running", generation: 1, position, rebuilding: undefined, problem: undefined },
    );
    await waitForProjection(kind.store, "totals", position);
    await assert.rejects(running.waitFor(position + 1, { timeoutMs: 50 }), ProjectionError);
    await assert.rejects(waitForProjection(kind.store, "totals", position + 1, { timeoutMs: 100 }), ProjectionError);
  });

  using("after waiting for position 0, the tables exist", async (kind, server) => {
    await using projections = new Projections(server.client(), kind.store, [totals(kind.table)], QUICK);
    await projections.waitFor(0);
    assert.deepEqual(await kind.totals(), {});
  });

  using("a caller can wait for a projection that another process starts later", async (kind, server) => {
    const client = server.client();
    await assert.rejects(
      waitForProjection(kind.store, "totals", 1, { timeoutMs: 60 }),
      /was never started, not yet at 1, after 60ms/,
    );
    const position = await append(client, "order-1", 1);
    const waited = waitForProjection(kind.store, "totals", position, { pollMs: 5 }).then(() => kind.totals());
    // Enough time for at least one poll before there is a table.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await using projections = new Projections(client, kind.store, [totals(kind.table)], QUICK);
    assert.deepEqual(await waited, { "order-1": 1 });
    assert.equal(projections.get("totals").status.state, "running");
  });

  using("a restarted projection continues after its checkpoint", async (kind, server) => {
    const client = server.client();
    for (let round = 1; round <= 3; round += 1) {
      const position = await append(client, "order-1", 1, 1);
      await using projections = new Projections(client, kind.store, [totals(kind.table)], QUICK);
      await projections.waitFor(position);
      assert.deepEqual(await kind.totals(), { "order-1": 2 * round });
    }
  });

  using(
    "an event that can't be handled becomes a dead letter with its error, and later events continue",
    async (kind, server) => {
      const client = server.client();
      const problems: ProjectionProblem[] = [];
      let cured = false;
      const poisoned = totals(kind.table);
      const curable: Projection<unknown> = {
        ...poisoned,
        handle: async (event, target) => {
          await kind.table.add(target, "touched", 1);
          if (!cured || event.json<{ item: string }>().item !== "poison") await poisoned.handle(event, target);
        },
      };
      await client.append("order-1", "any", [item(1), item(2), item(4, "poison"), item(8)]);
      await using projections = new Projections(client, kind.store, [curable], {
        ...QUICK,
        onError: (problem) => problems.push(problem),
      });
      await projections.waitFor(4);
      // The writes of the handler before its error were rolled back each time.
      assert.deepEqual(await kind.totals(), { "order-1": 11, touched: 3 });
      const running = projections.get("totals");
      const [letter, ...more] = await running.deadLetters();
      assert.deepEqual(more, []);
      assert.ok(letter !== undefined);
      assert.deepEqual(
        [letter.position, letter.stream, letter.type, letter.tries, letter.reason],
        [3, "order-1", "ItemAdded", 3, "Error: this item is poison"],
      );
      assert.deepEqual(
        problems.map(({ then }) => then),
        ["retry", "retry", "dead-letter"],
      );
      assert.equal(await running.retryDeadLetters(), 0);
      cured = true;
      assert.equal(await running.retryDeadLetters(), 1);
      assert.deepEqual(await running.deadLetters(), []);
      assert.deepEqual(await kind.totals(), { "order-1": 11, touched: 4 });
    },
  );

  using("a rebuild runs beside the live build, and replaces it", async (kind, server) => {
    const client = server.client();
    await append(client, "order-1", ...Array.from({ length: 100 }, () => 1));
    await using projections = new Projections(client, kind.store, [totals(kind.table)], QUICK);
    await projections.waitFor(100);
    // The rebuild must repair this manual change.
    await kind.store.transaction((tx) =>
      kind.table.add({ tx, generation: 1, table: (name) => `${name}__1` }, "order-1", 1_000),
    );
    assert.deepEqual(await kind.totals(), { "order-1": 1_100 });
    const running = projections.get("totals");
    const rebuilt = running.rebuild();
    const position = await append(client, "order-2", 5);
    await rebuilt;
    await projections.waitFor(position);
    assert.deepEqual(await kind.totals(), { "order-1": 100, "order-2": 5 });
    assert.equal(running.status.generation, 2);
    assert.equal(running.status.rebuilding, undefined);
    await projections.waitFor(await append(client, "order-2", 5));
    assert.deepEqual(await kind.totals(), { "order-1": 100, "order-2": 10 });
    await running.rebuild();
    assert.equal(running.status.generation, 3);
    assert.deepEqual(await kind.totals(), { "order-1": 100, "order-2": 10 });
  });

  using("two processes with the same projection apply no event twice", async (kind, server) => {
    const client = server.client();
    await using one = new Projections(client, kind.store, [totals(kind.table)], QUICK);
    await using other = new Projections(server.client(), kind.store, [totals(kind.table)], QUICK);
    let position = 0;
    for (let n = 0; n < 30; n += 1) position = await append(client, "order-1", 1, 1);
    await one.waitFor(position);
    await other.waitFor(position);
    assert.deepEqual(await kind.totals(), { "order-1": 60 });
  });

  using("a checkpoint of another store is refused, and other projections continue", async (kind, server) => {
    const client = server.client();
    {
      await using before = new Projections(client, kind.store, [totals(kind.table)], QUICK);
      await before.waitFor(await append(client, "order-1", 1));
    }
    await using another = await TestServer.start();
    const elsewhere = another.client();
    const seen: number[] = [];
    const counting: Projection<unknown> = {
      name: "counting",
      handle: (event) => {
        seen.push(event.position);
      },
    };
    await using projections = new Projections(elsewhere, kind.store, [totals(kind.table), counting], QUICK);
    const position = await append(elsewhere, "order-1", 1);
    await projections.get("counting").waitFor(position);
    await assert.rejects(projections.waitFor(position), /was built from store .* start with an empty read model/);
    assert.equal(projections.get("totals").status.state, "failed");
    assert.deepEqual(seen, [1]);
  });
}

async function using_<K extends AsyncDisposable>(kind: K, body: (kind: K) => Promise<void>): Promise<void> {
  try {
    await body(kind);
  } finally {
    await kind[Symbol.asyncDispose]();
  }
}

onEveryStore("memory", memory);
onEveryStore("sqlite", sqlite);
onEveryStore("postgres", postgres);
onEveryStore("state", state);

test("a projection is tested without a server", async () => {
  const store = new MemoryStore();
  await project(store, totals(memoryTable), orders, [
    { stream: "order-1", type: "ItemAdded", data: { item: "tea", cents: 4 } },
    { stream: "order-1", type: "OrderConfirmed", data: {} },
    { stream: "order-1", type: "ItemAdded", data: { item: "cup", cents: 5 } },
  ]);
  assert.deepEqual([...store.table("totals")], [["order-1", 9]]);
});

test("reactions of a process manager take effect once, though they run again", async () => {
  await using server = await TestServer.start();
  const client = server.client();
  const repository = new Repository(client, order);
  let runs = 0;
  const gifts = processManager<OrderTypes>({
    name: "gifts",
    schema: orders,
    reactions: {
      OrderPlaced: async (_, { event }) => {
        runs += 1;
        const id = event.stream.slice("order-".length);
        await repository.execute(id, addItem("gift", 0));
        if (runs % 3 !== 0) throw new Error("the power failed");
        await repository.execute(id, addItem("card", 0));
        await decideOn(client, orders, {}, () => [{ stream: `log-${id}`, type: "OrderConfirmed", data: {} }]);
      },
    },
  });
  await using projections = new Projections(client, new MemoryStore(), [gifts], QUICK);
  const ids = [newId(), newId(), newId()];
  let position: number | undefined;
  for (const id of ids) ({ position } = await repository.execute(id, place("ada")));
  await projections.waitFor(position);
  assert.equal(runs, 9);
  for (const id of ids) {
    const [placed, ...items] = await client.readStream(order.stream(id)).toArray();
    assert.deepEqual(
      items.map((event) => event.json<{ item: string }>().item),
      ["gift", "card"],
    );
    assert.equal(contextOf(items[0]!).causationId, placed?.id);
    const [logged, ...more] = await client.readStream(`log-${id}`).toArray();
    assert.deepEqual(more, []);
    // The ids are the same in every language.
    const seed = nameId(placed!.id, "gifts");
    const commands = [`${order.stream(id)}/0`, `${order.stream(id)}/1`, "/0"].map((name) => nameId(seed, name));
    assert.deepEqual(
      [...items, logged!].map((event) => event.tags),
      commands.map((command) => [`command:${command}`]),
    );
    assert.deepEqual(
      [...items, logged!].map((event) => event.id),
      commands.map((command) => nameId(command, "0")),
    );
  }
});

test("a projection continues after the server was killed", async () => {
  await using server = await TestServer.start({ engine: "embedded" });
  await using kind = await memory();
  const client = server.client({ timeoutMs: 30_000 });
  await using projections = new Projections(client, kind.store, [totals(kind.table)], QUICK);
  for (let round = 1; round <= 3; round += 1) {
    const position = await append(client, "order-1", 1, 1);
    await projections.waitFor(position, { timeoutMs: 30_000 });
    await server.kill();
    await server.start();
  }
  const position = await append(client, "order-1", 1);
  await projections.waitFor(position, { timeoutMs: 30_000 });
  assert.deepEqual(await kind.totals(), { "order-1": 7 });
  await until("its status is running", () => projections.get("totals").status.state === "running");
});
