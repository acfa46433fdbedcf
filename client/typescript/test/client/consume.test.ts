/** Tests of consumers: what handlers decide, order, extensions, stopping, and consumers and servers that are killed. */
import assert from "node:assert/strict";
import { after, before, test, type TestContext } from "node:test";

import {
  Client,
  ConsumerReplacedError,
  type Delivery,
  GroupNotFoundError,
  type GroupSettings,
  InvalidFieldError,
  newId,
  Park,
  Retry,
  Skip,
  UnreachableError,
} from "../../src/index.js";
import { Settlements } from "../../src/settlements.js";
import { TestServer } from "../../src/testing/index.js";
import { deferred, listOf, numbered, until } from "./fixtures.js";
import { TcpProxy } from "./tcp-proxy.js";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let server: TestServer;
let client: Client;

before(async () => {
  server = await TestServer.start();
  client = server.client({ timeoutMs: 30_000 });
});
after(() => server[Symbol.asyncDispose]());

interface Work {
  readonly group: string;
  readonly prefix: string;
  readonly streams: readonly string[];
}

/** Creates a group of new streams, with this many events in each. */
async function work(
  streams: number,
  events: number,
  settings: GroupSettings = {},
  through: Client = client,
): Promise<Work> {
  const [group, prefix] = [`group-${newId()}`, `work-${newId()}-`];
  const names = Array.from({ length: streams }, (_, n) => `${prefix}${n}`);
  for (const stream of names) {
    await through.append(stream, "no-stream", numbered(0, events));
  }
  await through.createGroup(group, { query: { streamPrefixes: [prefix] }, ...settings });
  return { group, prefix, streams: names };
}

/** Waits until all events of the group are done, none of them parked. */
async function untilDone(group: string, through: Client = client): Promise<void> {
  await until("all events are done", async () => {
    const { lagEvents, inFlight, retrying, parked } = await through.describeGroup(group);
    return lagEvents + inFlight + retrying + parked === 0;
  });
}

const numberOf = ({ event }: Delivery) => event.json<{ n: number }>().n;

test("a handler that returns acks the event, and the group's progress is stored", async () => {
  const { group } = await work(1, 100);
  const got: number[] = [];
  const consumer = client.consume(group, (delivery) => got.push(numberOf(delivery)), { consumer: "one" });
  assert.equal(consumer.name, "one");
  await untilDone(group);
  const { consumers } = await client.describeGroup(group);
  assert.deepEqual(
    consumers.map(({ name, permits, active }) => [name, permits, active]),
    [["one", 16, true]],
  );
  await consumer.stop();
  await consumer.ended;
  assert.deepEqual(
    got,
    Array.from({ length: 100 }, (_, n) => n),
  );
  await using second = client.consume(group, (delivery) => got.push(numberOf(delivery)));
  assert.match(second.name, new RegExp(`-${process.pid}-[0-9a-f]{8}$`));
  await pause(100);
  assert.equal(got.length, 100);
});

test("fast acks share messages", async (context) => {
  const { group } = await work(20, 200);
  let acked = 0;
  const sent = countMessages(context);
  await using consumer = client.consume(group, () => (acked += 1), { concurrency: 16, permits: 4_096 });
  await until("all are acked", () => acked === 4_000);
  await consumer.stop();
  assert.ok(sent() < 400, `${sent()} messages for 4,000 acks`);
});

/** Counts the messages that consumers send. */
function countMessages(context: TestContext): () => number {
  let counted = 0;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its object
  const { next } = Settlements.prototype;
  context.mock.method(Settlements.prototype, "next", function (this: Settlements, isHeld: (id: bigint) => boolean) {
    const message = next.call(this, isHeld);
    counted += message === undefined ? 0 : 1;
    return message;
  });
  return () => counted;
}

test("an error retries the event after the group's delay, and holds back later ones of its stream only", async () => {
  const { group, streams } = await work(2, 3, { retryDelay: { milliseconds: 300 } });
  const got: [string, number, number][] = [];
  let failedAt = 0;
  let retriedAt = 0;
  await using consumer = client.consume(group, (delivery) => {
    const { event, attempt } = delivery;
    got.push([event.stream, numberOf(delivery), attempt]);
    if (event.stream === streams[0] && numberOf(delivery) === 1) {
      if (attempt === 1) {
        failedAt = Date.now();
        throw new Error("out of stock");
      }
      retriedAt = Date.now();
    }
  });
  await untilDone(group);
  await consumer.stop();
  const of = (stream: string | undefined) =>
    got.filter(([one]) => one === stream).map(([, n, attempt]) => [n, attempt]);
  assert.deepEqual(of(streams[0]), [
    [0, 1],
    [1, 1],
    [1, 2],
    [2, 1],
  ]);
  assert.deepEqual(of(streams[1]), [
    [0, 1],
    [1, 1],
    [2, 1],
  ]);
  assert.ok(retriedAt - failedAt >= 290, `${retriedAt - failedAt} ms`);
});

test("a Retry sets the time, a Park parks at once, and a Skip is done", async () => {
  const { group } = await work(1, 4);
  const got: [number, number][] = [];
  let retriedAfter = 0;
  await using consumer = client.consume(group, (delivery) => {
    const n = numberOf(delivery);
    got.push([n, delivery.attempt]);
    if (n === 0 && delivery.attempt === 1) {
      retriedAfter = -Date.now();
      return new Retry({ milliseconds: 50 }, "a moment");
    }
    if (n === 0) retriedAfter += Date.now();
    if (n === 1) return new Park("no address");
    return n === 2 ? new Skip() : undefined;
  });
  await until("one is parked and the others are done", async () => {
    const { parked, lagEvents, inFlight } = await client.describeGroup(group);
    return parked === 1 && lagEvents + inFlight === 0;
  });
  await consumer.stop();
  assert.deepEqual(got, [
    [0, 1],
    [0, 2],
    [1, 1],
    [2, 1],
    [3, 1],
  ]);
  assert.ok(retriedAfter >= 45 && retriedAfter < 900, `${retriedAfter} ms`);
  const [parked] = await listOf(client.listParked(group));
  assert.deepEqual([parked?.revision, parked?.reason], [1, "no address"]);
  assert.throws(() => new Retry({ days: 2 }), InvalidFieldError);
});

test("after the last attempt the event is parked with the error's text, cut to 1,024 bytes", async () => {
  const { group } = await work(1, 1, { maxAttempts: 2, retryDelay: { milliseconds: 0 } });
  let attempts = 0;
  await using consumer = client.consume(group, () => {
    attempts += 1;
    throw new Error("ä".repeat(100) + "€".repeat(1_000));
  });
  await until("it is parked", async () => (await client.describeGroup(group)).parked === 1);
  await consumer.stop();
  assert.equal(attempts, 2);
  const [parked] = await listOf(client.listParked(group));
  assert.equal(parked?.reason, "ä".repeat(100) + "€".repeat(274)); // 200 + 822 bytes; one more would be 1,025
});

test("events of a stream are handled in order, and other streams at the same time", async () => {
  const { group, streams } = await work(20, 50);
  const handled = new Map<string, number[]>();
  const busy = new Set<string>();
  let most = 0;
  await using consumer = client.consume(
    group,
    async (delivery) => {
      const { stream } = delivery.event;
      assert.ok(!busy.has(stream), "two events of a stream at the same time");
      busy.add(stream);
      most = Math.max(most, busy.size);
      await pause(Math.random() * 4);
      const done = handled.get(stream) ?? [];
      // Some fail at first: the later ones of the stream must wait for them.
      if (delivery.attempt === 1 && Math.random() < 0.02) {
        busy.delete(stream);
        return new Retry({ milliseconds: 5 });
      }
      handled.set(stream, [...done, numberOf(delivery)]);
      busy.delete(stream);
      return undefined;
    },
    { concurrency: 8, permits: 200 },
  );
  await untilDone(group);
  await consumer.stop();
  const inOrder = Array.from({ length: 50 }, (_, n) => n);
  streams.forEach((stream) => {
    assert.deepEqual(handled.get(stream), inOrder);
  });
  assert.equal(most, 8);
});

test("groups are ordered by tag, by nothing, or as a whole", async () => {
  const most = async (settings: GroupSettings) => {
    const [group, stream] = [`group-${newId()}`, `modes-${newId()}`];
    // Tags n:0 to n:9.
    await client.append(stream, "no-stream", numbered(0, 10));
    await client.createGroup(group, { query: { streams: [stream] }, ...settings });
    let [busy, top] = [0, 0];
    await using consumer = client.consume(
      group,
      async () => {
        busy += 1;
        top = Math.max(top, busy);
        await pause(20);
        busy -= 1;
      },
      { concurrency: 4 },
    );
    await untilDone(group);
    await consumer.stop();
    return top;
  };
  assert.equal(await most({}), 1);
  assert.equal(await most({ orderByTagPrefix: "n:" }), 4);
  assert.equal(await most({ orderByTagPrefix: "another:" }), 1);
  assert.equal(await most({ mode: "unordered" }), 4);
  assert.equal(await most({ mode: "exclusive" }), 1);
});

test("queued deliveries are extended, so a slow consumer gets each event once", async () => {
  const { group } = await work(1, 8, { ackTimeout: { seconds: 1 } });
  const attempts: number[] = [];
  await using consumer = client.consume(group, async ({ attempt }) => {
    attempts.push(attempt);
    await pause(400);
  });
  await untilDone(group);
  await consumer.stop();
  assert.deepEqual(attempts, Array.from({ length: 8 }, () => 1));
});

test("a handler that hangs exceeds the ack timeout, and another consumer gets its events", async () => {
  const { group } = await work(3, 4, { ackTimeout: { seconds: 1 }, retryDelay: { milliseconds: 10 } });
  const hanging = deferred();
  let hung = 0;
  const stuck = client.consume(group, () => {
    hung += 1;
    return hanging.promise;
  });
  await until("a handler hangs", () => hung === 1);
  const got: string[] = [];
  await using consumer = client.consume(group, (delivery) => {
    got.push(`${delivery.event.stream} ${numberOf(delivery)}`);
  });
  await untilDone(group);
  assert.equal(new Set(got).size, 12);
  assert.equal(hung, 1);
  // The late result is not sent, or ignored, and the consumer works again.
  hanging.resolve();
  await consumer.stop();
  await client.resetGroup(group, "beginning");
  await until("it works again", () => hung >= 13);
  await stuck.stop();
});

test("stop finishes and settles what is handled, and returns the rest", async () => {
  const { group } = await work(10, 10, { ackTimeout: { minutes: 10 } });
  const gate = deferred();
  const first: string[] = [];
  const consumer = client.consume(
    group,
    async (delivery) => {
      await gate.promise;
      first.push(`${delivery.event.stream} ${numberOf(delivery)}`);
    },
    { concurrency: 3, permits: 50 },
  );
  await until("it holds 50", async () => (await client.describeGroup(group)).inFlight === 50);
  const stopped = consumer.stop();
  await pause(50);
  assert.equal(first.length, 0);
  gate.resolve();
  await stopped;
  assert.equal(first.length, 3);
  const { inFlight, consumers } = await client.describeGroup(group);
  assert.deepEqual([inFlight, consumers], [0, []]);
  const rest: [string, number][] = [];
  await using second = client.consume(group, (delivery) => {
    rest.push([`${delivery.event.stream} ${numberOf(delivery)}`, delivery.attempt]);
  });
  await untilDone(group);
  await second.stop();
  // Nothing twice, and a returned delivery is no attempt.
  assert.equal(new Set([...first, ...rest.map(([name]) => name)]).size, 100);
  assert.equal(rest.length, 97);
  assert.ok(rest.every(([, attempt]) => attempt === 1));
});

test("aborting a consumer fails with the reason, and loses nothing", async () => {
  const { group } = await work(1, 5);
  const abort = new AbortController();
  let begun = 0;
  const consumer = client.consume(
    group,
    () => {
      begun += 1;
      return new Promise(() => undefined);
    },
    { signal: abort.signal },
  );
  await until("a handler runs", () => begun === 1);
  abort.abort(new Error("enough"));
  await assert.rejects(consumer.ended, { message: "enough" });
  await assert.rejects(consumer.stop(), { message: "enough" });
  const second = client.consume(group, () => undefined);
  await untilDone(group);
  await second.stop();
  const never = client.consume(group, () => undefined, { signal: abort.signal });
  await assert.rejects(never.ended, { message: "enough" });
});

test("a consumer ends with the error if the group is missing or deleted, or another one has its name", async () => {
  const missing = client.consume("missing", () => undefined);
  await assert.rejects(missing.ended, (error) => error instanceof GroupNotFoundError && error.group === "missing");
  await assert.rejects(missing.stop(), GroupNotFoundError);

  const { group } = await work(1, 1);
  const first = client.consume(group, () => undefined, { consumer: "same" });
  await untilDone(group);
  const second = client.consume(group, () => undefined, { consumer: "same" });
  await assert.rejects(first.ended, (error) => error instanceof ConsumerReplacedError && error.consumer === "same");
  await client.deleteGroup(group);
  await assert.rejects(second.ended, GroupNotFoundError);

  const tooMany = client.consume(group, () => undefined, { permits: 5_000 });
  await assert.rejects(tooMany.ended, InvalidFieldError);
});

test("an update of the group withdraws what connected consumers hold, and nothing is lost", async () => {
  const { group, prefix } = await work(5, 40);
  const got = new Set<string>();
  await using consumer = client.consume(
    group,
    async (delivery) => {
      await pause(2);
      got.add(`${delivery.event.stream} ${numberOf(delivery)}`);
    },
    { concurrency: 8 },
  );
  await until("some are done", () => got.size > 20);
  await client.updateGroup(group, { query: { streamPrefixes: [prefix] }, maxAttempts: 5 });
  await untilDone(group);
  await consumer.stop();
  assert.equal(got.size, 200);
});

test("a consumer reconnects when its connection breaks, and gives up after reconnectTimeout", async () => {
  await using own = await TestServer.start();
  const proxy = new TcpProxy(own.endpoint);
  await proxy.open();
  const through = new Client({ endpoints: proxy.name });
  try {
    const direct = own.client();
    const { group } = await work(5, 200, {}, direct);
    const got = new Set<string>();
    const consumer = through.consume(
      group,
      async (delivery) => {
        await pause(1);
        got.add(`${delivery.event.stream} ${numberOf(delivery)}`);
      },
      { concurrency: 4, reconnectTimeout: { milliseconds: 1_500 } },
    );
    for (let round = 1; round <= 3; round += 1) {
      await until("it proceeds", () => got.size >= round * 100);
      await proxy.shut();
      await proxy.open();
    }
    await untilDone(group, direct);
    assert.equal(got.size, 1_000);
    await own.kill();
    await assert.rejects(consumer.ended, UnreachableError);
  } finally {
    through.close();
    await proxy.shut();
  }
});

test("kill -9 of the server during consumption loses nothing, and order holds", async () => {
  await using own = await TestServer.start({ engine: "embedded" });
  const mine = own.client({ timeoutMs: 60_000 });
  const { group, streams } = await work(10, 200, {}, mine);
  const last = new Map<string, number>();
  const got = new Set<string>();
  const consumers = [1, 2].map((n) =>
    mine.consume(
      group,
      async (delivery) => {
        await pause(1);
        const { stream } = delivery.event;
        // Acked events may come again after a crash, but none is left out.
        assert.ok(numberOf(delivery) <= (last.get(stream) ?? -1) + 1, "an event of a stream was left out");
        last.set(stream, Math.max(last.get(stream) ?? -1, numberOf(delivery)));
        got.add(`${stream} ${numberOf(delivery)}`);
      },
      { consumer: `consumer-${n}`, concurrency: 4 },
    ),
  );
  for (let round = 1; round <= 3; round += 1) {
    await until("they proceed", () => got.size >= round * 400);
    await own.kill();
    await own.start();
  }
  await untilDone(group, mine);
  await Promise.all(consumers.map((consumer) => consumer.stop()));
  assert.equal(got.size, 2_000);
  streams.forEach((stream) => {
    assert.equal(last.get(stream), 199);
  });
});
