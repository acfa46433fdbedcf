/** Tests of subscriptions to state: what they return, and that they resume and converge while servers are killed. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Metadata, Server, ServerCredentials, type ServerWritableStream, status } from "@grpc/grpc-js";

import { StateVersionOutOfRangeSchema } from "../../src/generated/annals/v1/errors_pb.js";
import {
  type SubscribeStateRequest,
  type SubscribeStateResponse,
  SubscribeStateRequestSchema,
  SubscribeStateResponseSchema,
} from "../../src/generated/annals/v1/state_pb.js";
import { StatusSchema } from "../../src/generated/google/rpc/status_pb.js";
import {
  Client,
  InvalidFieldError,
  newId,
  ProtocolError,
  type StateSubscriptionItem,
  StateVersionBeyondEndError,
  StateVersionExpiredError,
} from "../../src/index.js";
import { TestServer } from "../../src/testing/index.js";
import { seeded } from "../random.js";
import { untilOpen } from "./fixtures.js";
import { TcpProxy } from "./tcp-proxy.js";

const ROUNDS = Number(process.env["ANNALS_CRASH_ROUNDS"] ?? 5);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let server: TestServer;
let client: Client;

before(async () => {
  server = await TestServer.start();
  client = server.client({ timeoutMs: 30_000 });
});
after(() => server[Symbol.asyncDispose]());

/** Shows an item in short. */
function shown(item: StateSubscriptionItem): unknown[] {
  switch (item.kind) {
    case "put":
      return ["put", item.entry.key, item.entry.json(), item.entry.version];
    case "deletion":
      return ["deletion", item.key, item.version];
    default:
      return [item.kind, item.version];
  }
}

/** Applies an item to the entries that a subscriber knows. */
function apply(known: Map<string, unknown>, item: StateSubscriptionItem): void {
  if (item.kind === "put") known.set(item.entry.key, item.entry.json());
  if (item.kind === "deletion") known.delete(item.key);
}

/** Returns the next items, up to this many. */
async function take(source: AsyncIterator<StateSubscriptionItem, undefined>, count: number): Promise<unknown[][]> {
  const items: unknown[][] = [];
  while (items.length < count) {
    const { value, done } = await source.next();
    assert.ok(done !== true);
    items.push(shown(value));
  }
  return items;
}

test("a subscription returns the entries of a scope, and then its changes", async () => {
  const scope = newId();
  await client.writeState([
    { scope, key: "a", put: 1 },
    { scope, key: "b", put: 2 },
  ]);
  await client.writeState([{ scope, key: "a", put: 3 }]);
  const items = client.subscribeState(scope)[Symbol.asyncIterator]();
  assert.deepEqual(await take(items, 3), [
    ["put", "b", 2, 2],
    ["put", "a", 3, 3],
    ["caught-up", 3],
  ]);
  await client.writeState([{ scope, key: "b", delete: true }]);
  assert.deepEqual(await take(items, 1), [["deletion", "b", 4]]);
  await client.writeState([{ scope, key: "c", put: "c" }]);
  assert.deepEqual(await take(items, 1), [["put", "c", "c", 5]]);
  await items.return?.();
  const resumed = client.subscribeState(scope, { after: 3 })[Symbol.asyncIterator]();
  assert.deepEqual(await take(resumed, 3), [
    ["deletion", "b", 4],
    ["put", "c", "c", 5],
    ["caught-up", 5],
  ]);
  await resumed.return?.();
  const batches = client.subscribeState(scope).batches();
  const first = await batches.next();
  assert.deepEqual(first.value?.map(shown), [
    ["put", "a", 3, 3],
    ["put", "c", "c", 5],
  ]);
  await batches.return(undefined);
  await untilOpen(server, 0);
});

test("a subscription with a prefix returns checkpoints for the changes of other keys", async () => {
  const scope = newId();
  const items = client.subscribeState(scope, { prefix: "a/" })[Symbol.asyncIterator]();
  assert.deepEqual(await take(items, 1), [["caught-up", 0]]);
  await client.writeState([{ scope, key: "a/1", put: 1 }]);
  assert.deepEqual(await take(items, 1), [["put", "a/1", 1, 1]]);
  await client.writeState([{ scope, key: "b/1", put: 1 }, { scope, key: "c/1", put: 1 }]);
  assert.deepEqual(await take(items, 1), [["checkpoint", 3]]);
  await items.return?.();
});

test("a version beyond the end and bad input are refused", async () => {
  const scope = newId();
  await client.writeState([{ scope, key: "a", put: 1 }]);
  await assert.rejects(client.subscribeState(scope, { after: 2 }).batches().next(), (error: unknown) => {
    assert.ok(error instanceof StateVersionBeyondEndError);
    assert.deepEqual([error.scope, error.version, error.lastVersion], [scope, 2, 1]);
    return !error.retryable && !error.conflict;
  });
  await assert.rejects(client.subscribeState("").batches().next(), InvalidFieldError);
  await assert.rejects(client.subscribeState(scope, { prefix: "k".repeat(513) }).batches().next(), InvalidFieldError);
  for (const wrong of [-1, 1.5, NaN]) {
    await assert.rejects(client.subscribeState(scope, { after: wrong }).batches().next(), InvalidFieldError);
  }
  const abort = new AbortController();
  const waiting = client.subscribeState(newId(), { signal: abort.signal, after: 0 }).batches();
  await waiting.next();
  const next = waiting.next();
  abort.abort(new RangeError("enough"));
  await assert.rejects(next, RangeError);
  await untilOpen(server, 0);
});

test("a subscription whose connection breaks returns no change twice, and skips none", async () => {
  const proxy = new TcpProxy(server.endpoint);
  await proxy.open();
  using through = new Client({ endpoints: proxy.name, timeoutMs: 30_000, retry: { pauseFirstMs: 5 } });
  const scope = newId();
  const items = through.subscribeState(scope)[Symbol.asyncIterator]();
  const versions: number[] = [];
  let caughtUp = 0;
  for (let round = 1; round <= 20; round += 1) {
    await client.writeState([{ scope, key: `k${round % 3}`, put: round }]);
    while (versions.at(-1) !== round) {
      const { value } = await items.next();
      if (value?.kind === "put") versions.push(value.entry.version);
      if (value?.kind === "caught-up") caughtUp += 1;
    }
    await proxy.shut();
    await proxy.open();
  }
  assert.deepEqual(versions, Array.from({ length: 20 }, (_, n) => n + 1));
  assert.ok(caughtUp > 1);
  await items.return?.();
  through.close();
  await proxy.shut();
});

test("a subscriber converges to the state of the scope while the server is killed", async (context) => {
  const random = seeded(context);
  await using embedded = await TestServer.start({ engine: "embedded" });
  const patient = embedded.client({ timeoutMs: 60_000 });
  const scope = "s";
  const state = { over: false };
  const writing = (async () => {
    for (let n = 1; !state.over || n <= 200; n += 1) {
      const key = `k${Math.floor(random() * 30)}`;
      await patient.writeState([random() < 0.3 ? { scope, key, delete: true } : { scope, key, put: n }]);
    }
    await patient.writeState([{ scope, key: "last", put: true }]);
  })();
  const tormenting = (async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await pause(50 + random() * 200);
      await embedded.kill();
      await embedded.start();
    }
    state.over = true;
  })();
  const known = new Map<string, unknown>();
  let version = 0;
  for await (const item of patient.subscribeState(scope)) {
    const next = item.kind === "put" ? item.entry.version : item.version;
    if (item.kind === "put" || item.kind === "deletion") assert.ok(next > version, `${next} after ${version}`);
    version = next;
    apply(known, item);
    if (known.has("last")) break;
  }
  await Promise.all([writing, tormenting]);
  const stored = new Map<string, unknown>();
  for await (const entry of patient.stateEntries(scope)) stored.set(entry.key, entry.json());
  assert.deepEqual(new Map([...known].sort()), new Map([...stored].sort()));
  assert.ok(version > 50 && known.size > 5);
});

/** Returns the details of STATE_VERSION_EXPIRED, encoded. */
function expired(scope: string): Uint8Array {
  const info = new BinaryWriter();
  info.tag(1, WireType.LengthDelimited).string("STATE_VERSION_EXPIRED");
  info.tag(2, WireType.LengthDelimited).string("annals");
  const detail = create(StateVersionOutOfRangeSchema, { scope, version: 3n, firstVersion: 7n, lastVersion: 9n });
  const details = [
    { typeUrl: "type.googleapis.com/google.rpc.ErrorInfo", value: info.finish() },
    {
      typeUrl: `type.googleapis.com/${StateVersionOutOfRangeSchema.typeName}`,
      value: toBinary(StateVersionOutOfRangeSchema, detail),
    },
  ];
  return toBinary(StatusSchema, create(StatusSchema, { code: 11, message: "expired", details }));
}

type Call = ServerWritableStream<SubscribeStateRequest, SubscribeStateResponse>;

/** Runs a server whose calls of SubscribeState are answered by these functions, one after the other. */
async function scripted(script: ((call: Call) => void)[], body: (client: Client) => Promise<void>): Promise<void> {
  const fake = new Server();
  let calls = 0;
  fake.addService(
    {
      subscribeState: {
        path: "/annals.v1.StateService/SubscribeState",
        requestStream: false,
        responseStream: true,
        requestSerialize: (request: SubscribeStateRequest) =>
          Buffer.from(toBinary(SubscribeStateRequestSchema, request)),
        requestDeserialize: (bytes: Buffer) => fromBinary(SubscribeStateRequestSchema, bytes),
        responseSerialize: (response: SubscribeStateResponse) =>
          Buffer.from(toBinary(SubscribeStateResponseSchema, response)),
        responseDeserialize: (bytes: Buffer) => fromBinary(SubscribeStateResponseSchema, bytes),
      },
    },
    {
      subscribeState: (call: Call) => {
        script[calls]?.(call);
        calls += 1;
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    fake.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  using scriptedClient = new Client({ endpoints: `127.0.0.1:${port}`, retry: { pauseFirstMs: 1 } });
  try {
    await body(scriptedClient);
    assert.equal(calls, script.length);
  } finally {
    scriptedClient.close();
    fake.forceShutdown();
  }
}

function deletion(version: bigint): SubscribeStateResponse {
  return create(SubscribeStateResponseSchema, {
    content: {
      case: "updates",
      value: { updates: [{ update: { case: "deletion", value: { key: "a", version } } }] },
    },
  });
}

const notice = (kind: "caughtUp" | "checkpoint", value: bigint) =>
  create(SubscribeStateResponseSchema, { content: { case: kind, value } });

/** Ends a call as a server does that stops. */
const broken = (call: Call) => call.emit("error", { code: status.UNAVAILABLE, details: "the connection broke" });

test("a subscription resumes after the last version received, of a change or a notice", async () => {
  const asked: (bigint | undefined)[] = [];
  const answering =
    (...responses: SubscribeStateResponse[]) =>
    (call: Call) => {
      asked.push(call.request.afterVersion);
      for (const response of responses) call.write(response);
      broken(call);
    };
  const script = [
    answering(),
    answering(deletion(3n)),
    answering(notice("caughtUp", 5n)),
    answering(notice("caughtUp", 5n), notice("checkpoint", 8n)),
    answering(notice("checkpoint", 8n), create(SubscribeStateResponseSchema), deletion(9n)),
    (call: Call) => {
      asked.push(call.request.afterVersion);
      const metadata = new Metadata();
      metadata.set("grpc-status-details-bin", Buffer.from(expired("s")));
      call.emit("error", { code: status.OUT_OF_RANGE, details: "expired", metadata });
    },
  ];
  await scripted(script, async (client) => {
    const items: unknown[][] = [];
    const following = async () => {
      for await (const item of client.subscribeState("s")) items.push(shown(item));
    };
    await assert.rejects(following(), (error: unknown) => {
      assert.ok(error instanceof StateVersionExpiredError);
      assert.deepEqual([error.scope, error.version, error.firstVersion, error.lastVersion], ["s", 3, 7, 9]);
      return !error.retryable && !error.conflict;
    });
    assert.deepEqual(items, [
      ["deletion", "a", 3],
      ["caught-up", 5],
      ["caught-up", 5],
      ["checkpoint", 8],
      ["deletion", "a", 9],
    ]);
    assert.deepEqual(asked, [undefined, undefined, 3n, 5n, 8n, 9n]);
  });
});

test("versions that do not increase are a protocol error", async () => {
  await scripted([(call) => call.write(deletion(3n))], async (client) => {
    await assert.rejects(client.subscribeState("s", { after: 3 }).batches().next(), ProtocolError);
  });
});
