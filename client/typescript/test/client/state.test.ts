/** Tests of state against a real server: entries, lists, writes with checks, updates, and appends with state. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  ChecksFailedError,
  type Client,
  InvalidFieldError,
  InvalidValueError,
  JsonError,
  newEvent,
  newId,
  type StateChange,
  type StateCheck,
  type StateEntry,
  StateIdConflictError,
  Timestamp,
  TooLargeError,
} from "../../src/index.js";
import { TestServer } from "../../src/testing/index.js";

let server: TestServer;
let client: Client;

before(async () => {
  server = await TestServer.start();
  client = server.client({ timeoutMs: 30_000 });
});
after(() => server[Symbol.asyncDispose]());

/** Returns a scope that no other test uses. */
const newScope = () => `scope-${newId()}`;
const put = (scope: string, key: string, value: unknown): StateChange => ({ scope, key, put: value });

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
}

test("an entry has the value, version and time of its last change", async () => {
  const scope = newScope();
  assert.deepEqual(await client.getStateWithVersion(scope, "a"), { entry: undefined, scopeVersion: 0 });
  assert.equal(await client.getState(scope, "a"), undefined);
  const bytes = new Uint8Array([0, 255, 10]);
  const first = await client.writeState([put(scope, "a", { total: 42 }), put(scope, "b", bytes)]);
  assert.deepEqual([first.versions, first.alreadyWritten], [[1, 2], false]);
  assert.ok(first.changedAt instanceof Timestamp);
  const { entry, scopeVersion } = await client.getStateWithVersion(scope, "a");
  assert.equal(scopeVersion, 2);
  assert.ok(entry !== undefined);
  assert.deepEqual([entry.scope, entry.key, entry.version], [scope, "a", 1]);
  assert.deepEqual(entry.json(), { total: 42 });
  assert.equal(entry.changedAt.toString(), first.changedAt.toString());
  const binary = await client.getState(scope, "b");
  assert.deepEqual([...(binary?.value ?? [])], [...bytes]);
  assert.throws(() => binary?.json(), JsonError);
  assert.throws(() => binary?.json(), /the value of key "b" of scope/);
  const second = await client.writeState([
    put(scope, "b", ""),
    { scope, key: "a", delete: true },
    { scope, key: "never", delete: true },
  ]);
  assert.deepEqual(second.versions, [3, 4, 0]);
  assert.deepEqual(await client.getStateWithVersion(scope, "a"), { entry: undefined, scopeVersion: 4 });
  const empty = await client.writeState([put(scope, "b", new Uint8Array())]);
  assert.deepEqual(empty.versions, [5]);
  assert.equal((await client.getState(scope, "b"))?.value.length, 0);
});

test("one write changes several scopes, or none if a check does not hold", async () => {
  const [one, other] = [newScope(), newScope()];
  await client.writeState([put(one, "a", 1), put(other, "a", 1)]);
  const changes = [put(one, "a", 2), put(other, "b", 2)];
  const checks: StateCheck[] = [
    { scope: one, key: "a", expected: 1 },
    { scope: one, key: "b", expected: 7 },
    { scope: other, key: "a", expected: "absent" },
  ];
  await assert.rejects(client.writeState(changes, { checks }), (error: unknown) => {
    assert.ok(error instanceof ChecksFailedError);
    assert.deepEqual([error.conflict, error.retryable, error.count], [true, false, 2]);
    assert.deepEqual(error.failed, [
      { index: 1, state: { scope: one, key: "b", expected: 7, actual: undefined } },
      { index: 2, state: { scope: other, key: "a", expected: "absent", actual: 1 } },
    ]);
    assert.equal(
      error.message,
      `check of state 1: key "b" of scope "${one}" was expected to be at version 7, but it is absent; ` +
        `check of state 2: key "a" of scope "${other}" was expected to be absent, but it is at version 1`,
    );
    return true;
  });
  assert.equal((await client.getState(one, "a"))?.json(), 1);
  assert.equal(await client.getState(other, "b"), undefined);
  const holding: StateCheck[] = [checks[0]!, { scope: other, key: "b", expected: "absent" }];
  assert.deepEqual((await client.writeState(changes, { checks: holding })).versions, [2, 2]);
});

test("a write with a known id returns the first result, and another write with the id is refused", async () => {
  const scope = newScope();
  const id = newId();
  const write = () =>
    client.writeState([put(scope, "a", 1)], { id, checks: [{ scope, key: "a", expected: "absent" }] });
  const first = await write();
  await client.writeState([put(scope, "a", 2)]);
  const again = await write();
  assert.deepEqual([first.alreadyWritten, again.alreadyWritten], [false, true]);
  assert.deepEqual([again.versions, again.changedAt.toString()], [first.versions, first.changedAt.toString()]);
  assert.equal((await client.getState(scope, "a"))?.json(), 2);
  await assert.rejects(client.writeState([put(scope, "a", 3)], { id }), (error: unknown) => {
    assert.ok(error instanceof StateIdConflictError);
    assert.match(error.message, new RegExp(id));
    return !error.conflict && !error.retryable;
  });
});

test("entries are listed in the order of their keys, in pages and as a whole", async () => {
  const scope = newScope();
  const keys = ["a", "b/1", "b/2", "b/3", "c", "é", "\u{1f600}"];
  await client.writeState([...keys].reverse().map((key) => put(scope, key, key)));
  const listed = await client.listState(scope);
  assert.deepEqual(
    listed.entries.map((entry) => [entry.scope, entry.key, entry.json()]),
    keys.map((key) => [scope, key, key]),
  );
  assert.deepEqual([listed.hasMore, listed.scopeVersion], [false, keys.length]);
  const first = await client.listState(scope, { prefix: "b/", pageSize: 2 });
  assert.deepEqual([first.entries.map(({ key }) => key), first.hasMore], [["b/1", "b/2"], true]);
  const second = await client.listState(scope, { prefix: "b/", after: "b/2", pageSize: 2 });
  assert.deepEqual([second.entries.map(({ key }) => key), second.hasMore], [["b/3"], false]);
  assert.deepEqual(await client.listState(newScope()), { entries: [], hasMore: false, scopeVersion: 0 });
  assert.deepEqual(await collect(client.stateEntries(newScope())), []);

  const many = newScope();
  for (let from = 0; from < 2_500; from += 500) {
    await client.writeState(
      Array.from({ length: 500 }, (_, n) => put(many, String(from + n).padStart(4, "0"), from + n)),
    );
  }
  const all = await collect(client.stateEntries(many));
  assert.deepEqual(
    all.map((entry) => entry.json()),
    Array.from({ length: 2_500 }, (_, n) => n),
  );
  assert.equal((await collect(client.stateEntries(many, { prefix: "1" }))).length, 1_000);
});

test("concurrent updates of an entry lose no change", async () => {
  const scope = newScope();
  const clients = Array.from({ length: 6 }, () => server.client({ timeoutMs: 30_000 }));
  const increment = (_: Uint8Array | undefined, entry: StateEntry | undefined) => (entry?.json<number>() ?? 0) + 1;
  const versions = await Promise.all(
    clients.map(async (one) => {
      const got: number[] = [];
      for (let n = 0; n < 20; n += 1) {
        const written = await one.updateState(scope, "n", increment, { conflicts: { triesMax: 1_000 } });
        assert.equal(written?.json(), written?.version);
        got.push(written?.version ?? 0);
      }
      return got;
    }),
  );
  assert.deepEqual(
    versions.flat().sort((a, b) => a - b),
    Array.from({ length: 120 }, (_, n) => n + 1),
  );
  assert.equal((await client.getState(scope, "n"))?.json(), 120);
});

test("an update can create, replace and delete an entry, and gives up after its attempts", async () => {
  const scope = newScope();
  const seen: unknown[] = [];
  const text = (value: Uint8Array | undefined) => {
    seen.push(value && new TextDecoder().decode(value));
    return value === undefined ? new TextEncoder().encode("one") : Promise.resolve({ two: 2 });
  };
  const created = await client.updateState(scope, "a", text);
  assert.deepEqual([created?.version, new TextDecoder().decode(created?.value)], [1, "one"]);
  const replaced = await client.updateState(scope, "a", text);
  const read = await client.getState(scope, "a");
  assert.deepEqual(
    [replaced?.version, replaced?.json(), replaced?.changedAt],
    [read?.version, read?.json(), read?.changedAt],
  );
  assert.deepEqual(read?.json(), { two: 2 });
  assert.deepEqual(seen, [undefined, "one"]);
  assert.equal(await client.updateState(scope, "a", () => undefined), undefined);
  assert.equal(await client.updateState(scope, "a", () => undefined), undefined);
  assert.deepEqual(await client.getStateWithVersion(scope, "a"), { entry: undefined, scopeVersion: 3 });

  let calls = 0;
  const overtaken = async () => {
    calls += 1;
    await client.writeState([put(scope, "a", calls)]);
    return "mine";
  };
  await assert.rejects(
    client.updateState(scope, "a", overtaken, { conflicts: { triesMax: 3, pauseFirstMs: 1 } }),
    ChecksFailedError,
  );
  assert.equal(calls, 3);
  assert.equal((await client.getState(scope, "a"))?.json(), 3);
  const failing = client.updateState(scope, "a", () => {
    throw new RangeError("no");
  });
  await assert.rejects(failing, RangeError);
});

test("state changes in the same transaction as events, or not at all", async () => {
  const [scope, stream] = [newScope(), `order-${newId()}`];
  const writes = [{ stream, events: [newEvent("Placed")], expected: "no-stream" as const }];
  const state = {
    stateChanges: [put(scope, "a", 1), { scope, key: "b", delete: true } as const],
    stateChecks: [{ scope, key: "a", expected: "absent" } as const],
  };
  const appended = await client.appendToMany(writes, [], state);
  assert.deepEqual([appended.stateVersions, appended.alreadyAppended], [[1, 0], false]);
  const again = await client.appendToMany(writes, [], state);
  assert.deepEqual([again.stateVersions, again.alreadyAppended], [[1, 0], true]);
  const refused = client.appendToMany(
    [{ stream, events: [newEvent("Placed")], expected: "no-stream" }],
    [],
    { ...state, stateChanges: [put(scope, "a", 2)] },
  );
  await assert.rejects(refused, (error: unknown) => {
    assert.ok(error instanceof ChecksFailedError);
    assert.deepEqual(error.failed, [
      { index: 0, stream: { stream, expected: "no-stream", actual: 0 } },
      { index: 0, state: { scope, key: "a", expected: "absent", actual: 1 } },
    ]);
    return true;
  });
  assert.equal((await client.getState(scope, "a"))?.json(), 1);
  assert.equal((await client.streamInfo(stream)).lastRevision, 0);
  const pipelined = await client
    .appendPipeline()
    .appendToMany([{ stream, events: [newEvent("Shipped")] }], [], undefined, {
      stateChanges: [put(scope, "a", 2)],
      stateChecks: [{ scope, key: "a", expected: 1 }],
    });
  assert.deepEqual(pipelined.stateVersions, [2]);
  const without = await client.appendToMany([{ stream, events: [newEvent("Shipped")] }]);
  assert.deepEqual(without.stateVersions, []);
});

test("bad input is refused, and nothing is written", async () => {
  const scope = newScope();
  const rejected = async (field: RegExp, call: Promise<unknown>) => {
    await assert.rejects(call, (error: unknown) => {
      assert.ok(error instanceof InvalidFieldError || error instanceof TooLargeError, String(error));
      assert.match(error.violations[0]?.field ?? "", field);
      return true;
    });
  };
  const a = put(scope, "a", 1);
  await rejected(/scope/, client.getState("", "a"));
  await rejected(/scope/, client.getState("$own", "a"));
  await rejected(/scope/, client.getState("s".repeat(257), "a"));
  await rejected(/scope/, client.getState("\ud800", "a"));
  await rejected(/key/, client.getState(scope, ""));
  await rejected(/key/, client.getState(scope, "k".repeat(513)));
  await rejected(/key/, client.getState(scope, "a\n"));
  await rejected(/page_size/, client.listState(scope, { pageSize: 0 }));
  await rejected(/page_size/, client.listState(scope, { pageSize: 1_001 }));
  await rejected(/key_prefix/, client.listState(scope, { prefix: "k".repeat(513) }));
  await rejected(/after_key/, client.listState(scope, { after: "a\u0000" }));
  await rejected(/changes/, client.writeState([]));
  await rejected(/changes\[1\]/, client.writeState([a, a]));
  for (const id of ["", "one"]) {
    // Before it is sent: without an id, a retry would not be recognised.
    const call = client.writeState([a], { id });
    await assert.rejects(call, new InvalidFieldError([{ field: "id", description: `must be a UUID, not "${id}"` }]));
  }
  await rejected(/changes\[0\].put/, client.writeState([put(scope, "a", new Uint8Array(65_537))]));
  await rejected(/changes/, client.writeState(Array.from({ length: 1_001 }, (_, n) => put(scope, `${n}`, n))));
  const check = { scope, key: "a", expected: "absent" as const };
  await rejected(/checks\[1\]/, client.writeState([a], { checks: [check, { ...check, expected: 1 }] }));
  for (const expected of [0, -1, 1.5, NaN, "no", "no-stream", undefined] as number[]) {
    const call = client.writeState([a], { checks: [{ ...check, expected }] });
    await assert.rejects(call, /expected: must be a version \(a whole number from 1\) or "absent", not /);
  }
  await rejected(/changes/, client.writeState([{ scope, key: "a" } as unknown as StateChange]));
  await rejected(/changes/, client.writeState([{ scope, key: "a", delete: false } as unknown as StateChange]));
  await rejected(/scope/, client.writeState([put("\udc00", "a", 1)]));
  await rejected(/key/, client.writeState([put(scope, "\udc00", 1)]));
  await assert.rejects(client.writeState([put(scope, "a", { total: NaN })]), (error: unknown) => {
    assert.ok(error instanceof InvalidValueError);
    return error.place === "value.total" && error.subject.startsWith('key "a" of scope');
  });
  await assert.rejects(client.writeState([put(scope, "a", undefined)]), InvalidValueError);
  await rejected(/key/, client.updateState(scope, "", () => 1));
  await assert.rejects(client.updateState(scope, "a", () => NaN), InvalidValueError);
  const writes = [{ stream: newId(), events: [newEvent("A")] }];
  const large = put(scope, "a", new Uint8Array(65_537));
  await rejected(/state_changes\[0\].put/, client.appendToMany(writes, [], { stateChanges: [large] }));
  await rejected(/state_changes\[1\].key/, client.appendToMany(writes, [], { stateChanges: [a, a] }));
  await rejected(/state_checks\[1\].key/, client.appendToMany(writes, [], { stateChecks: [check, check] }));
  assert.deepEqual(await client.listState(scope), { entries: [], hasMore: false, scopeVersion: 0 });
});

test("the largest names, values and writes are accepted, and the limits are known", async () => {
  const { limits } = await client.serverInfo();
  assert.deepEqual(
    [limits.maxStateScopeBytes, limits.maxStateKeyBytes, limits.maxStateValueBytes, limits.maxStateChanges],
    [256, 512, 65_536, 1_000],
  );
  const scope = `${newId()}${"s".repeat(220)}`;
  const key = "é".repeat(256);
  await client.writeState([put(scope, key, new Uint8Array(65_536))]);
  assert.equal((await client.getState(scope, key))?.value.length, 65_536);
  const changes = Array.from({ length: 1_000 }, (_, n) => put(scope, `k${n}`, n));
  const checks = changes.map(({ key }) => ({ scope, key, expected: "absent" as const }));
  assert.equal((await client.writeState(changes, { checks })).versions.length, 1_000);
});
