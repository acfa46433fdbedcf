/** Tests that abandoned reads and subscriptions end their calls at the server, by the server's metrics. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { type Client, newEvent, newId, type RecordedEvent } from "../../src/index.js";
import { TestServer } from "../../src/testing/index.js";
import { appendMuch, openCalls, untilOpen } from "./fixtures.js";

let server: TestServer;
let client: Client;

before(async () => {
  server = await TestServer.start();
  client = server.client({ timeoutMs: 60_000 });
  await appendMuch(client, "much");
});
after(() => server[Symbol.asyncDispose]());

class Enough extends Error {}

/** Iterables that keep a call open while they are iterated. */
const OPENED: Record<string, () => AsyncIterable<unknown>> = {
  "a read of a stream": () => client.readStream("much"),
  "a read of the log": () => client.readAll(),
  "a read backwards": () => client.readAll({ backwards: true }),
  "batches of a read": () => client.readStream("much").batches(),
  "a subscription to the log": () => client.subscribeAll(),
  "a subscription to a stream": () => client.subscribeStream("much"),
  "batches of a subscription": () => client.subscribeAll().batches(),
  "the events of a subscription": () => client.subscribeAll().events(),
  "a subscription to state": () => client.subscribeState("much"),
  "batches of a subscription to state": () => client.subscribeState("much").batches(),
};

for (const [what, open] of Object.entries(OPENED)) {
  test(`${what} ends when its loop is left`, async () => {
    for (let loop = 0; loop < 5; loop += 1) {
      for await (const item of open()) {
        assert.ok(item !== undefined);
        assert.equal(await openCalls(server), 1);
        break;
      }
      await untilOpen(server, 0);
    }
  });

  test(`${what} ends when its loop throws`, async () => {
    const failing = async () => {
      for await (const item of open()) throw new Enough(String(item));
    };
    for (let loop = 0; loop < 5; loop += 1) await assert.rejects(failing(), Enough);
    await untilOpen(server, 0);
  });

  test(`${what} ends when its iterator is returned, disposed of or thrown into`, async () => {
    for (const leave of ["return", "throw"] as const) {
      const iterator = open()[Symbol.asyncIterator]();
      await iterator.next();
      assert.equal(await openCalls(server), 1);
      if (leave === "throw") await assert.rejects(async () => iterator.throw?.(new Enough()), Enough);
      else assert.deepEqual(await iterator.return?.(), { done: true, value: undefined });
      await untilOpen(server, 0);
      assert.deepEqual(await iterator.next(), { done: true, value: undefined });
    }
  });
}

test("an iterator that is never used opens no call", async () => {
  const iterators = Object.values(OPENED).map((open) => open()[Symbol.asyncIterator]());
  for (const iterator of iterators) await iterator.return?.();
  for (const iterator of iterators) assert.deepEqual(await iterator.next(), { done: true, value: undefined });
  assert.equal(await openCalls(server), 0);
});

test("a waiting subscription ends at once when it is left, and so do its pending calls of next", async () => {
  const { head } = await client.serverInfo();
  const waiting: (() => AsyncIterator<unknown>)[] = [
    () => client.subscribeAll({ after: head })[Symbol.asyncIterator](),
    () => client.subscribeStream("nothing")[Symbol.asyncIterator](),
    () => client.subscribeAll({ after: "end" }).batches(),
    () => client.subscribeState("nothing", { after: 0 })[Symbol.asyncIterator](),
    () => client.subscribeAll({ after: "end" }).events(),
  ];
  for (const open of waiting) {
    const iterator = open();
    const items = [iterator.next(), iterator.next(), iterator.next()];
    await untilOpen(server, 1);
    await iterator.return?.();
    const last = (await Promise.all(items)).at(-1);
    assert.deepEqual(last, { done: true, value: undefined });
    await untilOpen(server, 0);
  }
});

test("a read or subscription that is left before the server has answered ends at once", async () => {
  for (const open of Object.values(OPENED)) {
    const iterator = open()[Symbol.asyncIterator]();
    const first = iterator.next();
    await iterator.return?.();
    assert.equal((await first).done, true);
  }
  await untilOpen(server, 0);
});

test("a subscription that can't be resumed ends when it is left", async () => {
  await using gone = await TestServer.start();
  const iterator = gone.client().subscribeAll()[Symbol.asyncIterator]();
  assert.equal((await iterator.next()).done, false);
  const next = iterator.next();
  await gone.kill();
  await iterator.return?.();
  assert.deepEqual(await next, { done: true, value: undefined });
});

test("a read that was begun ends when it is closed, or leaves its scope", async () => {
  const read = client.readAll();
  await read.begin();
  assert.equal(await openCalls(server), 1);
  read.close();
  await untilOpen(server, 0);
  {
    using scoped = client.readAll();
    assert.ok((await scoped.begin()).head > 0);
  }
  await untilOpen(server, 0);
  const subscription = client.subscribeAll();
  await subscription[Symbol.asyncIterator]().next();
  subscription.close();
  await untilOpen(server, 0);
});

test("a read or subscription without references ends when it is garbage-collected", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const abandon = async () => {
    const read = client.readAll();
    await read.begin();
    const iterators = Object.values(OPENED).map((open) => open()[Symbol.asyncIterator]());
    for (const iterator of iterators) await iterator.next();
    assert.equal(await openCalls(server), 1 + iterators.length);
    return [read, ...iterators].length;
  };
  await abandon();
  for (let tries = 0; (await openCalls(server)) > 0; tries += 1) {
    assert.ok(tries < 500, "they are still open");
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

test("a read or subscription that is still iterated is not garbage-collected", async () => {
  const collect = runInNewContext("gc") as () => void;
  const stream = `kept-${newId()}`;
  const taken: RecordedEvent[] = [];
  const taking = (async () => {
    for await (const event of client.subscribeStream(stream).events()) {
      taken.push(event);
      if (taken.length === 20) break;
    }
  })();
  for (let n = 0; n < 20; n += 1) {
    collect();
    await client.append(stream, "any", [newEvent("A", n)]);
  }
  await taking;
  const read = client.readStream("much")[Symbol.asyncIterator]();
  for (let n = 0; n < 12 * 256; n += 1) {
    if (n % 500 === 0) collect();
    assert.equal((await read.next()).done, false);
  }
  assert.equal((await read.next()).done, true);
});

test("pipelines end when their appends are answered, even if the results are not used", async () => {
  const source = () =>
    Array.from({ length: 500 }, (_, n) => ({
      stream: `all-${n % 7}`,
      expected: "any" as const,
      events: [newEvent("A", n)],
    }));
  for await (const appended of client.appendEach(source())) {
    assert.ok(appended.lastPosition > 0);
    break;
  }
  await assert.rejects(async () => {
    for await (const appended of client.appendEach(source())) throw new Enough(String(appended.lastPosition));
  }, Enough);
  await assert.rejects(async () => {
    const failing = function* () {
      yield* source();
      throw new Enough();
    };
    for await (const appended of client.appendEach(failing())) assert.ok(appended.lastPosition > 0);
  }, Enough);
  void client.appendPipeline().append("all-0", "any", [newEvent("A")]);
  await untilOpen(server, 0);
});

test("a loop over streams that is left has no call open", async () => {
  for await (const stream of client.listStreams()) {
    assert.ok(stream.name.length > 0);
    break;
  }
  assert.equal(await openCalls(server), 0);
});
