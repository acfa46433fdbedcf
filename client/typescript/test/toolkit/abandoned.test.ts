/** Tests that the toolkit's reads and subscriptions end their calls at the server, by the server's metrics. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type Client, newEvent, newId } from "../../src/index.js";
import { TestServer } from "../../src/testing/index.js";
import {
  decideOn,
  MemoryStore,
  processManager,
  type Projection,
  Projections,
  Repository,
} from "../../src/toolkit/index.js";
import { appendMuch, untilOpen } from "../client/fixtures.js";
import { order, orders, type OrderTypes } from "./orders.js";

let server: TestServer;
let client: Client;

before(async () => {
  server = await TestServer.start();
  client = server.client({ timeoutMs: 60_000 });
  await appendMuch(client, "order-much");
});
after(() => server[Symbol.asyncDispose]());

class Enough extends Error {}

const throws = () => {
  throw new Enough();
};

test("a load or a command that fails at an event stops reading", async () => {
  const repository = new Repository(client, order);
  for (let n = 0; n < 10; n += 1) {
    await assert.rejects(repository.load("much"), { name: "SchemaError" });
    await assert.rejects(
      repository.execute("much", () => undefined),
      { name: "SchemaError" },
    );
  }
  await untilOpen(server, 0);
});

test("a decision that fails at an event, or before the first, stops reading", async () => {
  const model = { query: { types: ["Much"] }, initial: () => 0, evolve: {} };
  for (let n = 0; n < 10; n += 1) {
    await assert.rejects(
      decideOn(client, orders, { model }, () => []),
      { name: "SchemaError" },
    );
    await assert.rejects(
      decideOn(client, orders, { model: { ...model, initial: throws } }, () => []),
      Enough,
    );
  }
  await untilOpen(server, 0);
});

test("projections have one subscription each even if handlers throw, and none when stopped", async () => {
  const failing: Projection<unknown> = { name: "failing", query: { types: ["OrderConfirmed"] }, handle: throws };
  const working: Projection<unknown> = { name: "working", handle: () => undefined };
  const reacting = processManager<OrderTypes>({
    name: "reacting",
    schema: orders,
    reactions: { OrderConfirmed: throws },
  });
  const problems: string[] = [];
  const projections = new Projections(client, new MemoryStore(), [failing, working, reacting], {
    pauseFirstMs: 1,
    pauseMaxMs: 1,
    triesMax: 2,
    onError: ({ projection }) => problems.push(projection),
  });
  const events = Array.from({ length: 20 }, () => newEvent("OrderConfirmed", {}));
  const { lastPosition } = await client.append(`order-${newId()}`, "any", events);
  await projections.waitFor(lastPosition, { timeoutMs: 60_000 });
  assert.equal(problems.length, 2 * 2 * events.length);
  await untilOpen(server, 3);
  await projections.stop();
  await untilOpen(server, 0);
});

test("waiting for a projection, and reading its lag, leaves no call open", async () => {
  await using projections = new Projections(client, new MemoryStore(), [
    { name: "slow", handle: () => new Promise((resolve) => setTimeout(resolve, 1)) },
  ]);
  await projections.waitFor(0);
  for (let n = 0; n < 10; n += 1) assert.ok((await projections.get("slow").lag()).events > 0);
  await untilOpen(server, 1);
});
