/** Tests of the client against a real server: the result of each call, and its errors. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { EventIdConflictError, InvalidFieldError, JsonError, newEvent, newId, PositionBeyondHeadError, RecordedTimeNotAcceptedError, RevisionBeyondEndError, RevisionConflictError, StreamNotFoundError, StreamTombstonedError, Timestamp, TooLargeError, VersionConflictError, } from "../../src/index.js";
import { TestServer } from "../../src/testing/index.js";
import { numbered } from "./fixtures.js";
let server;
let client;
before(async () => {
    server = await TestServer.start();
    client = server.client();
});
after(() => server[Symbol.asyncDispose]());
test("an append returns revisions and positions, and a read returns the events unchanged", async () => {
    const data = { total: 42, note: "größer" };
    const event = newEvent("OrderPlaced", data, { tags: ["customer:7", "shop:2"], metadata: { userId: "ada" } });
    const appended = await client.append("order-1", "no-stream", [event, newEvent("OrderPaid")]);
    assert.equal(appended.firstRevision, 0);
    assert.equal(appended.lastRevision, 1);
    assert.equal(appended.lastPosition, appended.firstPosition + 1);
    assert.equal(appended.alreadyAppended, false);
    const [first, second] = await client.readStream("order-1").toArray();
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(first.id, event.id);
    assert.equal(first.stream, "order-1");
    assert.equal(first.revision, 0);
    assert.equal(first.position, appended.firstPosition);
    assert.equal(first.type, "OrderPlaced");
    assert.deepEqual(first.json(), data);
    assert.deepEqual(first.metadataJson(), { userId: "ada" });
    assert.deepEqual(first.tags, ["customer:7", "shop:2"]);
    assert.equal(first.recordedAt.toString(), appended.recordedAt.toString());
    assert.equal(second.data.length, 0);
    assert.equal(second.metadataJson(), undefined);
});
test("an event keeps its content type", async () => {
    const label = newEvent("LabelPrinted", Buffer.from("%PDF\u00ff", "latin1"), {
        contentType: "application/pdf",
        tags: ["order:1"],
        metadata: { userId: "ada" },
    });
    const xml = newEvent("Noted", Buffer.from("<c/>"), { contentType: "text/xml; charset=utf-8" });
    await client.append("typed", "no-stream", [label, newEvent("Paid", 1)]);
    await client.appendToMany([{ stream: "typed", events: [xml, newEvent("Paid", 2)] }]);
    const events = await client.readStream("typed").toArray();
    assert.deepEqual(events.map(({ contentType }) => contentType), ["application/pdf", "application/json", "text/xml; charset=utf-8", "application/json"]);
    const [first, second] = events;
    assert.ok(first !== undefined && second !== undefined);
    assert.deepEqual([first.id, ...first.data], [label.id, ...label.data]);
    assert.deepEqual(first.metadataJson(), { userId: "ada" });
    assert.throws(() => first.json(), JsonError);
    assert.equal(second.json(), 1);
    const malformed = newEvent("LabelPrinted", new Uint8Array(), { contentType: "pdf" });
    await assert.rejects(client.append("typed", "any", [malformed]), (error) => {
        assert.ok(error instanceof InvalidFieldError);
        return error.violations[0]?.field === "events[0].content_type";
    });
});
test("a revision conflict reports the expected and the actual state", async () => {
    await client.append("conflict", "no-stream", [newEvent("A")]);
    await assert.rejects(client.append("conflict", "no-stream", [newEvent("B")]), (error) => {
        assert.ok(error instanceof RevisionConflictError);
        assert.deepEqual([error.stream, error.expected, error.actual], ["conflict", "no-stream", 0]);
        assert.equal(error.message, 'stream "conflict" is not as expected: expected no stream, but it is at revision 0');
        return !error.retryable;
    });
    await assert.rejects(client.append("conflict-none", 3, [newEvent("B")]), { expected: 3, actual: undefined });
    await assert.rejects(client.append("conflict-none", "stream-exists", [newEvent("B")]), {
        expected: "stream-exists",
    });
});
test("a retried append returns its first result", async () => {
    for (const expected of ["no-stream", "any"]) {
        const events = [newEvent("A"), newEvent("B")];
        const first = await client.append(`again-${expected}`, expected, events);
        const again = await client.append(`again-${expected}`, expected, events);
        assert.deepEqual({ ...again, alreadyAppended: false }, first);
        assert.equal(again.alreadyAppended, true);
    }
    const event = newEvent("A");
    const { firstPosition: position } = await client.append("again-other", "any", [event]);
    await assert.rejects(client.append("again-elsewhere", "any", [event]), EventIdConflictError);
    const conflicting = () => client.append("again-other", "any", [event, newEvent("B")]);
    await assert.rejects(conflicting(), (error) => {
        assert.ok(error instanceof EventIdConflictError);
        assert.deepEqual([error.id, error.stream, error.position], [event.id, "again-other", position]);
        assert.equal(error.revision, 0);
        assert.match(error.message, /was already appended to stream "again-other" at revision 0 \(position \d+\), by/);
        return !error.conflict && !error.retryable;
    });
});
test("fields that the server refuses are named", async () => {
    await assert.rejects(client.append("", "any", [newEvent("A")]), (error) => {
        assert.ok(error instanceof InvalidFieldError);
        assert.equal(error.violations[0]?.field, "stream");
        return true;
    });
    await assert.rejects(client.append("fields", "any", [newEvent("A"), newEvent("")]), (error) => {
        assert.ok(error instanceof InvalidFieldError);
        assert.equal(error.violations[0]?.field, "events[1].type");
        return true;
    });
    await assert.rejects(client.append("fields", "any", [newEvent("A", new Uint8Array(2 << 20))]), TooLargeError);
    await assert.rejects(client.append("fields", -1, [newEvent("A")]), InvalidFieldError);
    await assert.rejects(client.appendPipeline().append("fields", "any", [newEvent("A")], Timestamp.now()), RecordedTimeNotAcceptedError);
});
test("reads go both ways, begin anywhere, end at a limit and are filtered", async () => {
    await client.append("read", "no-stream", numbered(0, 10, (n) => (n % 2 === 0 ? "Even" : "Odd")));
    const revisions = async (options) => (await client.readStream("read", options).toArray()).map((event) => event.revision);
    assert.deepEqual(await revisions({}), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual(await revisions({ from: 7 }), [7, 8, 9]);
    assert.deepEqual(await revisions({ backwards: true, limit: 3 }), [9, 8, 7]);
    assert.deepEqual(await revisions({ backwards: true, from: 2 }), [2, 1, 0]);
    assert.deepEqual(await revisions({ query: { types: ["Odd"] }, limit: 2 }), [1, 3]);
    assert.deepEqual(await revisions({ query: [{ types: ["Odd"], tags: ["n:3"] }, { tags: ["n:4"] }] }), [3, 4]);
    assert.deepEqual(await revisions({ from: 10 }), []);
    const all = await client.readAll({ query: { streams: ["read"] } }).toArray();
    assert.deepEqual(all.map((event) => event.revision), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
test("a read returns the head and the last revision at its beginning", async () => {
    const { lastPosition } = await client.append("beginning", "no-stream", numbered(0, 3));
    const read = client.readStream("beginning", { limit: 1 });
    assert.deepEqual(await read.begin(), { head: lastPosition, lastRevision: 2 });
    assert.equal((await read.toArray()).length, 1);
    const { head } = await client.readAll({ query: { types: ["NothingOfTheKind"] } }).begin();
    assert.equal(head, lastPosition);
});
test("a read that is left early is cancelled", async () => {
    await client.append("left", "any", numbered(0, 5_000));
    const seen = [];
    for await (const event of client.readStream("left")) {
        seen.push(event.revision);
        if (seen.length === 3)
            break;
    }
    assert.deepEqual(seen, [0, 1, 2]);
});
test("missing streams, revisions and positions are distinct errors", async () => {
    await assert.rejects(client.readStream("nothing").toArray(), StreamNotFoundError);
    await assert.rejects(client.streamInfo("nothing"), StreamNotFoundError);
    const { lastPosition } = await client.append("short", "any", [newEvent("A")]);
    await assert.rejects(client.readStream("short", { from: 5 }).toArray(), RevisionBeyondEndError);
    await assert.rejects(client.readAll({ from: lastPosition + 1_000 }).toArray(), PositionBeyondHeadError);
    await assert.rejects(client
        .subscribeAll({ after: lastPosition + 1_000 })
        .batches()
        .next(), PositionBeyondHeadError);
});
test("many appends in flight share a pipeline, and each gets its own result", async () => {
    const results = await Promise.allSettled(Array.from({ length: 200 }, (_, n) => client.append(`many-${n % 10}`, n === 150 ? 1_000 : "any", [newEvent("A", n)])));
    const failed = results.flatMap((result, n) => result.status === "rejected" ? [[n, result.reason instanceof RevisionConflictError]] : []);
    assert.deepEqual(failed, [[150, true]]);
    const counted = await Promise.all(Array.from({ length: 10 }, async (_, n) => (await client.readStream(`many-${n}`).toArray()).length));
    assert.deepEqual(counted, [19, 20, 20, 20, 20, 20, 20, 20, 20, 20]);
});
test("a pipeline answers in order, and continues after it was idle", async () => {
    const pipeline = client.appendPipeline({ appendsMax: 10 });
    const send = async (from) => {
        const results = [];
        for (let n = from; n < from + 100; n += 1) {
            await pipeline.ready();
            assert.ok(pipeline.unanswered < 10);
            results.push(pipeline
                .append("pipeline", n === 0 ? "no-stream" : n - 1, [newEvent("A", n)])
                .then((appended) => appended.lastRevision));
        }
        return Promise.all(results);
    };
    assert.deepEqual(await send(0), Array.from({ length: 100 }, (_, n) => n));
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual(await send(100), Array.from({ length: 100 }, (_, n) => n + 100));
    await pipeline.close();
    await assert.rejects(pipeline.append("pipeline", "any", [newEvent("A")]), { name: "ClosedError" });
});
test("appendEach yields the results in order", async () => {
    const source = Array.from({ length: 50 }, (_, n) => ({
        stream: "all",
        expected: "any",
        events: [newEvent("A", n)],
    }));
    const revisions = [];
    for await (const appended of client.appendEach(source))
        revisions.push(appended.lastRevision);
    assert.deepEqual(revisions, Array.from({ length: 50 }, (_, n) => n));
});
test("a subscription returns existing events, reports that it caught up, and returns new events", async () => {
    const { lastPosition: start } = await client.append("subscribed", "no-stream", numbered(0, 3));
    const kinds = [];
    for await (const item of client.subscribeAll({ after: start - 3 })) {
        kinds.push(item.kind === "event" ? `event ${item.event.revision}` : item.kind);
        if (item.kind === "caught-up")
            await client.append("subscribed", 2, numbered(3, 2));
        if (kinds.at(-1) === "event 4")
            break;
    }
    assert.deepEqual(kinds, ["event 0", "event 1", "event 2", "caught-up", "event 3", "event 4"]);
});
test("a subscription from the end returns only new events, filtered, of one stream", async () => {
    await client.append("end", "no-stream", numbered(0, 3));
    const subscription = client.subscribeStream("end", { after: "end", query: { types: ["Wanted"] } });
    const got = [];
    for await (const item of subscription) {
        if (item.kind === "caught-up")
            await client.append("end", 2, [newEvent("Other"), newEvent("Wanted"), newEvent("Wanted")]);
        if (item.kind === "event")
            got.push(item.event.revision);
        if (got.length === 2)
            break;
    }
    assert.deepEqual(got, [4, 5]);
});
test("a subscription to a stream reports the revision to resume after", async () => {
    const stream = `revisions-${newId()}`;
    const none = client.subscribeStream(stream)[Symbol.asyncIterator]();
    const { value: empty } = await none.next();
    assert.deepEqual(empty, { kind: "caught-up", position: (await client.serverInfo()).head, revision: undefined });
    await none.return?.();
    const { lastPosition } = await client.append(stream, "no-stream", numbered(0, 3));
    for await (const item of client.subscribeStream(stream, { query: { types: ["NothingOfTheKind"] } })) {
        if (item.kind === "caught-up") {
            assert.deepEqual(item, { kind: "caught-up", position: lastPosition, revision: 2 });
            await client.append(stream, 2, numbered(3, 4));
        }
        if (item.kind === "checkpoint" && item.position > lastPosition) {
            assert.deepEqual(item, { kind: "checkpoint", position: lastPosition + 4, revision: 6 });
            break;
        }
    }
    await client.append(stream, 6, [newEvent("After")]);
    const resumed = client.subscribeStream(stream, { after: 6 })[Symbol.asyncIterator]();
    const { value } = await resumed.next();
    assert.equal(value?.kind === "event" && value.event.type, "After");
    await resumed.return?.();
});
test("a filtered subscription reports how far the log was scanned", async () => {
    const { head } = await client.serverInfo();
    const subscription = client.subscribeAll({ after: head, query: { types: ["NothingOfTheKind"] } });
    for await (const item of subscription) {
        if (item.kind === "caught-up")
            await client.append("checkpoints", "any", numbered(0, 3));
        if (item.kind === "checkpoint") {
            assert.equal(item.position, head + 3);
            break;
        }
    }
});
test("an aborted signal ends calls with its reason", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    setTimeout(() => {
        controller.abort(reason);
    }, 50);
    const { signal } = controller;
    await assert.rejects(async () => {
        for await (const item of client.subscribeAll({ after: "end", signal }))
            assert.equal(item.kind, "caught-up");
    }, reason);
    await assert.rejects(client.serverInfo({ signal }), reason);
    await assert.rejects(client.append("aborted", "any", [newEvent("A")], { signal }), reason);
    await assert.rejects(client.readAll({ signal }).toArray(), reason);
});
test("streams are described and listed", async () => {
    for (const name of ["list-b", "list-a", "list-c"])
        await client.append(name, "no-stream", numbered(0, 2));
    const listed = [];
    for await (const stream of client.listStreams("list-"))
        listed.push(stream.name);
    assert.deepEqual(listed, ["list-a", "list-b", "list-c"]);
    const info = await client.streamInfo("list-a");
    assert.equal(info.lastRevision, 1);
    assert.equal(info.lastPosition, info.firstPosition + 1);
    assert.ok(Math.abs(Date.now() - info.createdAt.toDate().getTime()) < 60_000);
});
test("the server reports its properties", async () => {
    const info = await client.serverInfo();
    assert.equal(info.engine, "memory");
    assert.match(info.storeId, /^[0-9a-f-]{36}$/);
    assert.equal(info.limits.maxAppendEvents, 10_000);
});
test("a stream is kept according to its retention", async () => {
    const stream = `kept-${newId()}`;
    await client.append(stream, "no-stream", numbered(0, 5));
    const set = await client.setRetention(stream, { maxCount: 2, maxAge: { hours: 1 } }, { expectedVersion: 0 });
    assert.equal(set.version, 1);
    assert.deepEqual((await client.readStream(stream).toArray()).map((event) => event.revision), [3, 4]);
    const read = await client.retention(stream);
    assert.equal(read.retention.maxCount, 2);
    assert.deepEqual(read.retention.maxAge, { seconds: 3_600 });
    assert.equal(read.tombstoned, false);
    await assert.rejects(client.setRetention(stream, {}, { expectedVersion: 0 }), VersionConflictError);
    await assert.rejects(client.setRetention(stream, { maxAge: { milliseconds: 1_500 } }), InvalidFieldError);
    await assert.rejects(client.setRetention(stream, { maxAge: {} }), InvalidFieldError);
});
test("a retention for a prefix applies to streams without their own", async () => {
    const prefix = `session-${newId()}-`;
    const [one, two] = [`${prefix}1`, `${prefix}2`];
    await client.append(one, "no-stream", numbered(0, 5));
    await client.append(two, "no-stream", numbered(0, 5));
    assert.equal((await client.prefixRetention(prefix)).version, 0);
    const set = await client.setPrefixRetention(prefix, { maxCount: 2 }, { expectedVersion: 0 });
    assert.deepEqual(set, { prefix, retention: { maxCount: 2 }, version: 1 });
    await client.setRetention(two, { maxCount: 1 });
    assert.deepEqual((await client.readStream(one).toArray()).map((event) => event.revision), [3, 4]);
    assert.deepEqual((await client.readStream(two).toArray()).map((event) => event.revision), [4]);
    assert.equal((await client.streamInfo(one)).retentionPrefix, prefix);
    assert.equal((await client.streamInfo(two)).retentionPrefix, undefined);
    assert.ok((await client.prefixRetentions()).some((kept) => kept.prefix === prefix));
    await assert.rejects(client.setPrefixRetention(prefix, {}, { expectedVersion: 0 }), (error) => {
        assert.ok(error instanceof VersionConflictError);
        return error.prefix === prefix && error.actual === 1;
    });
    await client.setPrefixRetention(prefix, {});
    assert.ok(!(await client.prefixRetentions()).some((kept) => kept.prefix === prefix));
});
test("a deleted stream begins again after its last revision, a tombstoned one never", async () => {
    const stream = `deleted-${newId()}`;
    await client.append(stream, "no-stream", numbered(0, 2));
    assert.equal((await client.retention(stream)).version, 0);
    await assert.rejects(client.deleteStream(stream, 7), RevisionConflictError);
    assert.equal((await client.deleteStream(stream, 1)).lastRevision, 1);
    await assert.rejects(client.readStream(stream).toArray(), StreamNotFoundError);
    assert.equal((await client.append(stream, "no-stream", [newEvent("Again")])).firstRevision, 2);
    assert.equal((await client.tombstoneStream(stream)).alreadyTombstoned, false);
    await assert.rejects(client.append(stream, "any", [newEvent("Never")]), StreamTombstonedError);
});
test("a snapshot is saved and loaded", async () => {
    const stream = `snapshot-${newId()}`;
    await client.append(stream, "no-stream", numbered(0, 3));
    assert.equal(await client.loadSnapshot(stream), undefined);
    await client.saveSnapshot(stream, 2, Buffer.from("state"), { schemaVersion: 4 });
    const loaded = await client.loadSnapshot(stream, { schemaVersion: 4 });
    assert.equal(loaded?.revision, 2);
    assert.equal(Buffer.from(loaded.data).toString(), "state");
    assert.equal(await client.loadSnapshot(stream, { schemaVersion: 5 }), undefined);
    assert.equal(await client.loadSnapshot(stream, { atOrBefore: 1 }), undefined);
    await client.saveSnapshot(stream, 1, Buffer.from("earlier"), { keep: 1 });
    assert.equal(await client.loadSnapshot(stream, { atOrBefore: 1 }), undefined);
    await assert.rejects(client.saveSnapshot(stream, 2, Buffer.from("state"), { keep: 0 }), InvalidFieldError);
});
test("the log and a stream are read as of the past", async () => {
    const stream = `past-${newId()}`;
    const first = await client.append(stream, "no-stream", [newEvent("A")]);
    await client.append(stream, 0, [newEvent("B"), newEvent("C")]);
    assert.ok((await client.positionAtTime(first.recordedAt)) >= first.lastPosition);
    assert.equal(await client.positionAtTime("2001-01-01T00:00:00Z"), 0);
    const types = async (options) => (await client.readStream(stream, options).toArray()).map((event) => event.type);
    assert.deepEqual(await types({ until: 1, backwards: true }), ["B", "A"]);
    assert.equal((await types({ untilTime: first.recordedAt }))[0], "A");
    const all = await client.readAll({ until: first.lastPosition, backwards: true, limit: 1 }).toArray();
    assert.equal(all[0]?.position, first.lastPosition);
});
test("a scavenge is started, reported and stopped", async () => {
    assert.equal(await client.scavengeStatus(), undefined);
    assert.equal(await client.stopScavenge(), undefined);
    const started = await client.startScavenge();
    const status = await client.scavengeStatus();
    assert.equal(status?.problem, "");
    assert.equal(status.startedAt.toString(), started.startedAt.toString());
    assert.notEqual((await client.stopScavenge())?.state, "running");
});
//# sourceMappingURL=store.test.js.map