/** Tests of the operations on consumer groups. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  type Client,
  GroupExistsError,
  GroupNotFoundError,
  InvalidFieldError,
  newId,
  Park,
  type ParkedEvent,
  PositionBeyondHeadError,
  VersionConflictError,
} from "../../src/index.js";
import { TestServer } from "../../src/testing/index.js";
import { listOf, numbered, until } from "./fixtures.js";

let server: TestServer;
let client: Client;

before(async () => {
  server = await TestServer.start();
  client = server.client({ timeoutMs: 30_000 });
});
after(() => server[Symbol.asyncDispose]());

/** Creates a group of a new stream with events, all of which are parked. Returns the names and the positions. */
async function parkedGroup(count: number): Promise<{ name: string; stream: string; positions: number[] }> {
  const [name, stream] = [`group-${newId()}`, `parked-${newId()}`];
  await client.append(stream, "no-stream", numbered(0, count));
  await client.createGroup(name, { query: { streams: [stream] } });
  await using consumer = client.consume(name, () => new Park("not today"), { consumer: "parker" });
  await until("all are parked", async () => (await client.describeGroup(name)).parked === count);
  await consumer.stop();
  const positions = (await listOf(client.listParked(name))).map(({ position }) => position);
  return { name, stream, positions };
}

test("a group is created once, and its settings have defaults", async () => {
  const name = `group-${newId()}`;
  const created = await client.createGroup(name, { query: { streams: ["a"] }, maxAttempts: 3 });
  assert.deepEqual([created.name, created.version], [name, 1]);
  assert.deepEqual(created.settings, {
    query: [{ streams: ["a"] }],
    mode: "ordered",
    orderByTagPrefix: "",
    ackTimeout: { seconds: 30 },
    maxAttempts: 3,
    retryDelay: { seconds: 1 },
    maxRetryDelay: { seconds: 60 },
    parkFollowing: false,
  });
  assert.deepEqual(await client.createGroup(name, { query: { streams: ["a"] }, maxAttempts: 3 }), created);
  await assert.rejects(client.createGroup(name, { maxAttempts: 4 }), (error: unknown) => {
    assert.ok(error instanceof GroupExistsError);
    assert.equal(error.group, name);
    assert.equal(error.message, `group "${name}" exists with other settings; update it, or use another name`);
    return true;
  });
});

test("settings are returned as they were given", async () => {
  const settings = {
    query: [{ typePrefixes: ["Order"], tags: ["a", "b"] }, { streamPrefixes: ["order-"], types: ["X"] }],
    mode: "ordered" as const,
    orderByTagPrefix: "customer:",
    ackTimeout: { seconds: 1.5 },
    maxAttempts: 1_000,
    retryDelay: { seconds: 0.25 },
    maxRetryDelay: { seconds: 86_400 },
    parkFollowing: true,
  };
  assert.deepEqual((await client.createGroup(`group-${newId()}`, settings)).settings, settings);
});

test("an update replaces the settings, if they have the expected version", async () => {
  const name = `group-${newId()}`;
  const { version, settings } = await client.createGroup(name, { maxAttempts: 3 });
  const updated = await client.updateGroup(name, { ...settings, mode: "exclusive" }, { expectedVersion: version });
  assert.deepEqual([updated.version, updated.settings.mode, updated.settings.maxAttempts], [2, "exclusive", 3]);
  await assert.rejects(client.updateGroup(name, {}, { expectedVersion: 1 }), (error: unknown) => {
    assert.ok(error instanceof VersionConflictError && error.conflict);
    assert.deepEqual([error.group, error.stream, error.prefix], [name, "", undefined]);
    assert.deepEqual([error.expected, error.actual], [1, 2]);
    assert.equal(
      error.message,
      `group "${name}" was expected to be at version 1, but is at version 2; read it again`,
    );
    return true;
  });
});

test("groups are listed in order over any number of pages, and deleted once", async () => {
  const prefix = `listed-${newId()}-`;
  const names = Array.from({ length: 12 }, (_, n) => `${prefix}${String(n).padStart(2, "0")}`);
  await Promise.all(names.map((name) => client.createGroup(name)));
  assert.deepEqual((await listOf(client.listGroups(prefix))).map(({ name }) => name), names);
  assert.equal(await client.deleteGroup(names[3]!), true);
  assert.equal(await client.deleteGroup(names[3]!), false);
  await assert.rejects(client.describeGroup(names[3]!), (error: unknown) => {
    assert.ok(error instanceof GroupNotFoundError);
    assert.equal(error.message, `group "${names[3]!}" does not exist; create it`);
    return true;
  });
  assert.equal((await listOf(client.listGroups(prefix))).length, 11);
});

test("a group starts and continues where its caller wants", async () => {
  const stream = `start-${newId()}`;
  const { firstPosition } = await client.append(stream, "no-stream", numbered(0, 3));
  const { recordedAt } = (await client.readStream(stream, { limit: 1 }).toArray())[0]!;
  const doneOf = async (name: string) => (await client.describeGroup(name)).donePosition;
  for (const [start, done] of [
    ["beginning", 0],
    ["end", undefined],
    [{ after: firstPosition }, firstPosition],
    [{ time: recordedAt }, firstPosition - 1],
  ] as const) {
    const name = `group-${newId()}`;
    // Creating a group appends an event of the system.
    const { head } = await client.serverInfo();
    await client.createGroup(name, {}, { start });
    const begun = await doneOf(name);
    assert.ok(done === undefined ? begun >= head : begun === done, `${JSON.stringify(start)}: ${begun}`);
    assert.equal(await client.resetGroup(name, { after: 1 }), 1);
    assert.equal(await doneOf(name), 1);
    const again = await client.resetGroup(name, start);
    assert.ok(done === undefined ? again > head : again === done, `${JSON.stringify(start)}: ${again}`);
    await assert.rejects(client.resetGroup(name, { after: 1_000_000 }), PositionBeyondHeadError);
  }
});

test("parked events are listed with their reasons, and discarded", async () => {
  const { name, stream, positions } = await parkedGroup(5);
  assert.equal(positions.length, 5);
  const listed: ParkedEvent[] = await listOf(
    client.listParked(name, { stream, includeEvents: true, pageSize: 2 }),
  );
  assert.deepEqual(
    listed.map((one) => [one.position, one.revision, one.reason, one.consumer, one.attempts, one.event?.json()]),
    positions.map((position, n) => [position, n, "not today", "parker", 1, { n }]),
  );
  assert.deepEqual(await listOf(client.listParked(name, { stream: "another" })), []);
  assert.equal(await client.discardParked(name, { positions: positions.slice(0, 2) }), 2);
  assert.equal(await client.discardParked(name, { positions: positions.slice(0, 2) }), 0);
  assert.equal(await client.discardParked(name, { stream }), 3);
  assert.deepEqual(await listOf(client.listParked(name)), []);
});

test("parked events are replayed to the same group, and to another one", async () => {
  const { name, positions } = await parkedGroup(3);
  const other = `group-${newId()}`;
  await client.createGroup(other, { query: { streams: ["nothing"] } });
  assert.equal(await client.replayParked(name, { positions: [positions[1]!] }), 1);
  assert.equal(await client.replayParked(name, "all", { toGroup: other }), 2);
  for (const [group, expected] of [
    [name, [positions[1]]],
    [other, [positions[0], positions[2]]],
  ] as const) {
    const got: number[] = [];
    await using consumer = client.consume(group, ({ event }) => got.push(event.position));
    await until("they are delivered again", () => got.length === expected.length);
    await consumer.stop();
    assert.deepEqual(got, expected);
    assert.equal((await client.describeGroup(group)).parked, 0);
  }
});

test("invalid settings, names and selections are rejected with their field", async () => {
  const fieldOf = async (call: () => Promise<unknown>) => {
    try {
      await call();
    } catch (error) {
      assert.ok(error instanceof InvalidFieldError, String(error));
      return error.violations[0]?.field;
    }
    return undefined;
  };
  assert.equal(await fieldOf(() => client.createGroup("")), "name");
  assert.equal(await fieldOf(() => client.createGroup("$system")), "name");
  assert.equal(await fieldOf(() => client.createGroup("\ud800")), "name");
  assert.equal(await fieldOf(() => client.createGroup("g", { mode: "all" as "ordered" })), "mode");
  assert.equal(await fieldOf(() => client.createGroup("g", { maxAttempts: 0 })), "settings.max_attempts");
  assert.equal(await fieldOf(() => client.createGroup("g", { ackTimeout: { days: 1 } })), "settings.ack_timeout");
  assert.equal(await fieldOf(() => client.discardParked("g", { positions: [] })), "selection.positions");
  for (const [options, field] of [
    [{ concurrency: 0 }, "concurrency"],
    [{ permits: 1.5 }, "permits"],
    [{ consumer: "\ud800" }, "consumer"],
  ] as const) {
    assert.equal(await fieldOf(() => client.consume("g", () => undefined, options).ended), field);
  }
});
