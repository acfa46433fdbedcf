/** Tests of the client while servers are killed with SIGKILL: nothing is lost, duplicated or reordered. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, DeadlineExceededError, newEvent, UnreachableError } from "../../src/index.js";
import { TestServer } from "../../src/testing/index.js";
import { type Random, seeded } from "../random.js";
import { TcpProxy } from "./tcp-proxy.js";
import { numbered } from "./fixtures.js";

const ROUNDS = Number(process.env["ANNALS_CRASH_ROUNDS"] ?? 5);
/** Long enough for a server to restart on a busy machine. */
const PATIENT = { timeoutMs: 60_000, keepaliveTimeout: { milliseconds: 5_000 } };

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Kills and restarts the server a number of times. */
function tormented(server: TestServer, random: Random): { done: Promise<void>; over: () => boolean } {
  let over = false;
  const torment = async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await pause(50 + random() * 250);
      await server.kill();
      await pause(random() * 100);
      await server.start();
    }
  };
  return { done: torment().finally(() => (over = true)), over: () => over };
}

test("a subscription returns each event once and in order while the server is killed", async (context) => {
  await using server = await TestServer.start({ engine: "embedded" });
  const client = server.client(PATIENT);
  const torment = tormented(server, seeded(context));
  let total = Number.POSITIVE_INFINITY;
  const appending = (async () => {
    const append = async (next: number): Promise<number> => {
      const appended = await client.append("log", next === 0 ? "no-stream" : next - 1, numbered(next, 10));
      assert.equal(appended.firstRevision, next);
      return next + 10;
    };
    let next = 0;
    while (!torment.over() || next < 200) next = await append(next);
    // Set before its events can arrive, even if the response is lost: no later events could end the loop.
    total = next + 10;
    await append(next);
  })();
  const positions: number[] = [];
  for await (const item of client.subscribeAll()) {
    if (item.kind === "event") {
      positions.push(item.event.position);
      assert.deepEqual(item.event.json(), { n: positions.length - 1 });
    }
    if (positions.length >= total) break;
  }
  await torment.done;
  await appending;
  assert.deepEqual(
    positions,
    Array.from({ length: total }, (_, n) => n + 1),
  );
});

test("a pipeline over kills of the server writes each append once, in order", async (context) => {
  await using server = await TestServer.start({ engine: "embedded" });
  const client = server.client(PATIENT);
  const torment = tormented(server, seeded(context));
  const pipeline = client.appendPipeline({ appendsMax: 200 });
  const answers: Promise<unknown>[] = [];
  let sent = 0;
  for (; !torment.over() || sent < 1_000; sent += 1) {
    await pipeline.ready();
    const revision = sent;
    const answer = pipeline.append("log", sent === 0 ? "no-stream" : sent - 1, [newEvent("A", { n: sent })]);
    answers.push(
      answer.then(({ firstRevision }) => {
        assert.equal(firstRevision, revision);
      }),
    );
    if (sent % 50 === 0) await pause(1);
  }
  await Promise.all(answers);
  await torment.done;
  const events = await client.readStream("log").toArray();
  assert.deepEqual(
    events.map((event) => event.json()),
    Array.from({ length: sent }, (_, n) => ({ n })),
  );
});

test("a read continues after the last event when the server is killed", async () => {
  await using server = await TestServer.start({ engine: "embedded" });
  const client = server.client(PATIENT);
  const total = 30_000;
  for (let n = 0; n < total; n += 1_000)
    await client.append(
      "log",
      "any",
      Array.from({ length: 1_000 }, () => newEvent("A", new Uint8Array(500))),
    );
  for (const backwards of [false, true]) {
    const positions: number[] = [];
    for await (const event of client.readAll({ backwards })) {
      positions.push(event.position);
      if (positions.length === 1_000) {
        await server.kill();
        await server.start();
        await client.append("later", "any", [newEvent("NotInTheRead")]);
      }
    }
    // Events appended during the first read are part of the second.
    const last = backwards ? total + 1 : total;
    const expected = Array.from({ length: last }, (_, n) => (backwards ? last - n : n + 1));
    assert.deepEqual(positions, expected);
  }
});

test("a client with several endpoints fails over to the next one", async () => {
  await using server = await TestServer.start();
  using client = new Client({ endpoints: ["http://127.0.0.1:1", server.endpoint], shuffleEndpoints: false });
  assert.equal((await client.append("a", "any", [newEvent("A")])).firstPosition, 1);
  assert.equal((await client.readAll().toArray()).length, 1);
});

test("a client returns to its first endpoint, with its subscription and its pipeline", async () => {
  await using server = await TestServer.start();
  const [front, side] = [new TcpProxy(server.endpoint), new TcpProxy(server.endpoint)];
  await front.open();
  await side.open();
  using client = new Client({
    endpoints: [front.name, side.name],
    shuffleEndpoints: false,
    returnAfterMs: 20,
    timeoutMs: 30_000,
  });
  const pipeline = client.appendPipeline();
  const followed = client.subscribeStream("log").events();
  let written = 0;
  const state = { over: false };
  // A pipeline that is never idle, so that it does not end and reopen on its own.
  const busy = (async () => {
    while (!state.over) await pipeline.append("busy", "any", [newEvent("B")]);
  })();
  // Calls that share a pipeline, and the subscription that receives their events.
  const write = async () => {
    await Promise.all(Array.from({ length: 10 }, (_, n) => client.append("log", "any", [newEvent("A", n)])));
    written += 10;
    for (let revision = -1; revision < written - 1;) revision = (await followed.next()).value?.revision ?? -1;
  };
  /** Whether all new writes, and the subscription to them, go through this proxy alone. */
  const goesThrough = async (proxy: TcpProxy, other: TcpProxy) => {
    const before = [proxy.bytes, other.bytes] as const;
    await write();
    return proxy.bytes > before[0] && other.bytes === before[1];
  };
  const settlesOn = async (proxy: TcpProxy, other: TcpProxy) => {
    for (let quiet = 0, tries = 0; quiet < 3; tries += 1) {
      assert.ok(tries < 500, "it never goes through the one proxy alone");
      quiet = (await goesThrough(proxy, other)) ? quiet + 1 : 0;
      await pause(5);
    }
  };
  assert.ok(await goesThrough(front, side));
  for (let round = 0; round < 2; round += 1) {
    await front.shut();
    await settlesOn(side, front);
    await front.open();
    await settlesOn(front, side);
  }
  state.over = true;
  await busy;
  assert.deepEqual(
    (await client.readStream("log").toArray()).map(({ revision }) => revision),
    Array.from({ length: written }, (_, n) => n),
  );
  client.close();
  await front.shut();
  await side.shut();
});

test("without a server a call fails at its deadline, and the error states the cause", async () => {
  using client = new Client({ endpoints: "127.0.0.1:1", timeoutMs: 300 });
  await assert.rejects(client.serverInfo(), (error: unknown) => {
    assert.ok(error instanceof UnreachableError || error instanceof DeadlineExceededError);
    assert.match(error.message, /ECONNREFUSED/);
    return error.retryable;
  });
  await assert.rejects(client.appendPipeline().append("a", "any", [newEvent("A")]), { retryable: true });
  await assert.rejects(client.readAll().toArray(), { retryable: true });
  await assert.rejects(
    client
      .subscribeAll({ reconnectTimeout: { milliseconds: 200 } })
      .batches()
      .next(),
    { retryable: true },
  );
});

test("a server that falls silent counts as dead", async () => {
  await using server = await TestServer.start();
  using client = new Client({ endpoints: server.endpoint, timeoutMs: 500, keepaliveTimeout: { milliseconds: 200 } });
  await client.append("a", "any", [newEvent("A")]);
  server.freeze();
  await pause(100); // a signal takes a moment
  await assert.rejects(client.append("a", "any", [newEvent("A")]), DeadlineExceededError);
  server.thaw();
  await client.append("a", "any", [newEvent("A")]);
});

test("a closed client ends open calls and rejects further ones", async () => {
  await using server = await TestServer.start();
  const client = server.client();
  const subscribed = (async () => {
    for await (const item of client.subscribeAll()) if (item.kind === "caught-up") client.close();
  })();
  await assert.rejects(subscribed, { name: "ClosedError" });
  await assert.rejects(client.serverInfo(), { name: "ClosedError" });
});
