/** Tests of the parts of the client that need no server. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { create } from "@bufbuild/protobuf";

import { METHODS } from "../../src/call.js";
import { Cursor } from "../../src/cursor.js";
import {
  EventStoreService,
  SubscribeAllResponseSchema,
  SubscribeStreamResponseSchema,
} from "../../src/generated/annals/v1/event_store_pb.js";
import { StateService } from "../../src/generated/annals/v1/state_pb.js";
import { PreferredEndpoint } from "../../src/preferred-endpoint.js";
import { InvalidEndpointError, matches, nameId, newId, ProtocolError, Timestamp, VERSION } from "../../src/index.js";
import { resolveOptions } from "../../src/options.js";
import { Tries } from "../../src/retry.js";

const at = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");

test("the version is the workspace's", () => {
  const cargo = /\[workspace\.package\]\s+version = "([^"]+)"/.exec(at("../../Cargo.toml"))?.[1];
  const { version } = JSON.parse(at("package.json")) as { version: string };
  assert.equal(version, cargo);
  assert.equal(VERSION, cargo);
});

test("the package lock contains no registry", () => {
  assert.doesNotMatch(at("package-lock.json"), /"resolved"/);
});

test("the calls are those of the services", () => {
  const known = new Map(Object.values(METHODS).map((method) => [method.name, method]));
  for (const method of [...EventStoreService.methods, ...StateService.methods]) {
    const { service, input, output } = known.get(method.name) ?? {};
    assert.deepEqual([service, input, output], [method.parent.name, method.input, method.output], method.name);
  }
});

test("an endpoint without a port uses 2113", () => {
  const address = (endpoint: string) => resolveOptions(endpoint).endpoints[0];
  assert.deepEqual(address("127.0.0.1:2114"), { name: "127.0.0.1:2114", address: "127.0.0.1:2114", secure: false });
  assert.deepEqual(address("http://annals"), { name: "http://annals", address: "annals:2113", secure: false });
  assert.deepEqual(address("https://annals:443"), {
    name: "https://annals:443",
    address: "annals:443",
    secure: true,
  });
  assert.deepEqual(address("http://[::1]:9"), { name: "http://[::1]:9", address: "[::1]:9", secure: false });
  const addresses = {
    "http://h/": "h:2113",
    "HTTP://h:80": "h:80",
    h: "h:2113",
    "h:9": "h:9",
    "https://h": "h:2113",
    "http://[::1]": "[::1]:2113",
    "[::1]:7": "[::1]:7",
  };
  for (const [endpoint, expected] of Object.entries(addresses))
    assert.equal(address(endpoint)?.address, expected, endpoint);
  const given = ["a:1", "b:2", "c:3"];
  assert.deepEqual(
    resolveOptions({ endpoints: given, shuffleEndpoints: false }).endpoints.map(({ name }) => name),
    given,
  );
});

test("an endpoint that is not just a host and a port is rejected, and the error states why", () => {
  const refused = {
    "http://h:2113/x": "has a path",
    "h/x": "has a path",
    "http://h//": "has a path",
    "https://h/x?y#z": "has a path",
    "http://h?x=1": "has a query",
    "http://h:2113/?x=1": "has a query",
    "http://h#x": "has a fragment",
    "http://ada:secret@h": "has user information",
    "ftp://h": "has another scheme than http and https",
    "": "names no host",
    "http://": "names no host",
    "http://:2113": "names no host",
    "::1": "has an IPv6 address without brackets",
    "http://h:": "has a port that is not a number from 1 to 65535",
    "http://h:0": "has a port that is not a number from 1 to 65535",
    "http://h:65536": "has a port that is not a number from 1 to 65535",
    "http://h:http": "has a port that is not a number from 1 to 65535",
    "http://a b": "is not a valid address",
    "http://[::1": "is not a valid address",
  };
  for (const [endpoint, problem] of Object.entries(refused)) {
    assert.throws(() => resolveOptions(endpoint), {
      name: "InvalidEndpointError",
      endpoint,
      message: `endpoint ${JSON.stringify(endpoint)} ${problem}; write only http://host:port`,
    });
  }
  assert.throws(() => resolveOptions([]), InvalidEndpointError);
});

test("pauses come after each round, grow, and are bounded", () => {
  const policy = { pauseFirstMs: 50, pauseMaxMs: 300, triesMax: 9 };
  const tries = new Tries(policy, 2, () => 1);
  assert.deepEqual(
    Array.from({ length: 9 }, () => tries.afterFailure()),
    [0, 50, 0, 100, 0, 200, 0, 300, undefined],
  );
  const shortest = new Tries(policy, 1, () => 0);
  assert.equal(shortest.afterFailure(), 25);
  const endless = new Tries(policy, 2, () => 0.5);
  assert.equal(endless.afterFailureWithoutEnd(), 25);
});

test("the preferred endpoint is probed after a pause, which grows if a return does not last", async () => {
  let now = 0;
  let answers = false;
  let probes = 0;
  const back: number[] = [];
  const preferred = new PreferredEndpoint(1_000, {
    probe: () => {
      probes += 1;
      return answers ? Promise.resolve() : Promise.reject(new Error("not yet"));
    },
    goBack: () => back.push(now),
    now: () => now,
    random: () => 0.5,
  });
  const away = async (at: number) => {
    now = at;
    preferred.beforeCall();
    await new Promise((resolve) => setImmediate(resolve));
    return probes;
  };
  preferred.failed();
  assert.equal(await away(999), 0);
  assert.equal(await away(1_000), 1);
  assert.equal(await away(1_999), 1);
  answers = true;
  assert.equal(await away(2_000), 2);
  assert.deepEqual([back, preferred.returns], [[2_000], 1]);
  // A failure right after a return doubles the pause; after a lasting return it is the initial one.
  preferred.failed();
  assert.equal(await away(3_999), 2);
  assert.equal(await away(4_000), 3);
  now = 70_000;
  preferred.failed();
  assert.equal(await away(71_000), 4);
  const never = new PreferredEndpoint(0, {
    probe: () => assert.fail("it probed"),
    goBack: () => undefined,
    now: () => now,
    random: Math.random,
  });
  never.failed();
  never.beforeCall();
});

test("times keep their microseconds", () => {
  const text = "2026-11-21T04:31:36.790766Z";
  assert.equal(Timestamp.from(text).toString(), text);
  assert.equal(Timestamp.from(text).toDate().toISOString(), "2026-11-21T04:31:36.790Z");
  assert.equal(Timestamp.from("2026-11-21T04:31:36.5Z").epochMicroseconds % 1_000_000, 500_000);
  assert.equal(Timestamp.from(new Date(5)).epochMicroseconds, 5_000);
  assert.equal(new Timestamp(-1).toString(), "1969-12-31T23:59:59.999999Z");
  assert.equal(JSON.stringify({ at: Timestamp.from(text) }), `{"at":"${text}"}`);
  assert.throws(() => Timestamp.from("yesterday"), RangeError);
});

test("ids are UUIDs, and named ones are those of RFC 9562", () => {
  assert.match(newId(), /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(Array.from({ length: 5_000 }, newId)).size, 5_000);
  // The example of RFC 9562, A.4.
  assert.equal(
    nameId("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com"),
    "2ed6657d-e927-568b-95e1-2665a8aea6a2",
  );
});

test("queries match by the rules of the server", () => {
  const event = { type: "OrderPlaced", stream: "order-1", tags: ["a", "b"] };
  assert.ok(matches([], event));
  assert.ok(matches({}, event));
  assert.ok(matches({ types: ["X"], typePrefixes: ["Order"], streams: ["order-1"], tags: ["b", "a"] }, event));
  assert.ok(matches([{ types: ["X"] }, { streamPrefixes: ["order-"] }], event));
  assert.ok(!matches({ types: ["OrderPlaced"], tags: ["a", "c"] }, event));
  assert.ok(!matches({ types: ["OrderPlaced"], streams: ["order-2"] }, event));
});

test("a subscription's cursor only goes forwards", () => {
  const cursor = new Cursor(false, 7);
  const message = (content: { case: "checkpoint" | "caughtUp"; value: { position: bigint } }) =>
    create(SubscribeAllResponseSchema, { content });
  const events = (...positions: number[]) =>
    create(SubscribeAllResponseSchema, {
      content: {
        case: "events",
        value: { events: positions.map((position) => ({ position: BigInt(position), recordedAt: {} })) },
      },
    });
  assert.equal(cursor.take(events(8, 9)).length, 2);
  assert.equal(cursor.after, 9);
  assert.deepEqual(cursor.take(message({ case: "checkpoint", value: { position: 20n } })), [
    { kind: "checkpoint", position: 20, revision: undefined },
  ]);
  assert.deepEqual(cursor.take(message({ case: "checkpoint", value: { position: 20n } })), []);
  assert.deepEqual(cursor.take(message({ case: "caughtUp", value: { position: 22n } })), [
    { kind: "caught-up", position: 22, revision: undefined },
  ]);
  assert.equal(cursor.after, 22);
  assert.throws(() => cursor.take(events(22)), ProtocolError);
});

test("a stream's cursor advances by the revisions of events and notices", () => {
  const cursor = new Cursor(true, undefined);
  const notice = (kind: "checkpoint" | "caughtUp" | "fellBehind", position: bigint, revision?: bigint) =>
    create(SubscribeStreamResponseSchema, {
      content: { case: kind, value: { position, ...(revision !== undefined && { revision }) } },
    });
  const event = (revision: bigint) =>
    create(SubscribeStreamResponseSchema, {
      content: { case: "events", value: { events: [{ revision, position: 100n, recordedAt: {} }] } },
    });
  assert.deepEqual(cursor.take(notice("caughtUp", 5n)), [{ kind: "caught-up", position: 5, revision: undefined }]);
  assert.equal(cursor.after, undefined);
  assert.deepEqual(cursor.take(notice("checkpoint", 7n, 0n)), [{ kind: "checkpoint", position: 7, revision: 0 }]);
  assert.equal(cursor.after, 0);
  assert.equal(cursor.take(event(3n)).length, 1);
  assert.equal(cursor.after, 3);
  assert.deepEqual(cursor.take(notice("fellBehind", 110n, 4n)), [
    { kind: "fell-behind", position: 110, revision: 4, head: 0 },
  ]);
  // A notice from before the last event, as after a reconnect, or of a deleted stream.
  cursor.take(notice("caughtUp", 111n, 2n));
  cursor.take(notice("caughtUp", 112n));
  assert.equal(cursor.after, 4);
  assert.throws(() => cursor.take(event(4n)), ProtocolError);
  assert.equal(cursor.take(event(5n)).length, 1);
});
