/** Tests of appends to several streams against a real server: all or none, under checks. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ChecksFailedError, InvalidFieldError, newEvent, newId } from "../../src/index.js";
import { TestServer } from "../../src/testing/index.js";
let server;
let client;
before(async () => {
    server = await TestServer.start();
    client = server.client();
});
after(() => server[Symbol.asyncDispose]());
test("an append to many streams is written once, if its checks hold", async () => {
    const { head } = await client.serverInfo();
    const [a, b, tag] = [`many-a-${newId()}`, `many-b-${newId()}`, `seat:${newId()}`];
    const writes = [
        { stream: a, events: [newEvent("Booked", {}, { tags: [tag] })] },
        { stream: b, events: [newEvent("Charged"), newEvent("Thanked")] },
    ];
    const checks = [
        { noMatch: { tags: [tag] }, after: head },
        { stream: a, expected: "no-stream" },
    ];
    const appended = await client.appendToMany(writes, checks);
    assert.deepEqual(appended.streams, [
        { stream: a, firstRevision: 0, lastRevision: 0 },
        { stream: b, firstRevision: 0, lastRevision: 1 },
    ]);
    assert.equal((await client.appendToMany(writes, checks)).alreadyAppended, true);
    await assert.rejects(client.appendToMany([{ stream: b, events: [newEvent("Charged")] }], checks), (error) => {
        assert.ok(error instanceof ChecksFailedError);
        assert.equal(error.count, 2);
        assert.deepEqual(error.failed[0], { index: 0, match: { after: head, position: appended.firstPosition } });
        assert.deepEqual(error.failed[1], { index: 1, stream: { stream: a, expected: "no-stream", actual: 0 } });
        return error.conflict;
    });
    const inPipeline = await client
        .appendPipeline()
        .appendToMany([{ stream: b, events: [newEvent("Refunded")] }], [{ stream: b, expected: 1 }]);
    assert.deepEqual(inPipeline.streams, [{ stream: b, firstRevision: 2, lastRevision: 2 }]);
});
test("a write may state what its stream must be, and its failed check counts after the append's checks", async () => {
    const [a, b, c] = [`expected-a-${newId()}`, `expected-b-${newId()}`, `expected-c-${newId()}`];
    const events = () => [newEvent("A")];
    const writes = [
        { stream: a, events: events(), expected: "no-stream" },
        { stream: b, events: events() },
        { stream: a, events: events() },
    ];
    const { streams, alreadyAppended } = await client.appendToMany(writes);
    assert.deepEqual(streams, [
        { stream: a, firstRevision: 0, lastRevision: 1 },
        { stream: b, firstRevision: 0, lastRevision: 0 },
    ]);
    assert.equal(alreadyAppended, false);
    assert.equal((await client.appendToMany(writes)).alreadyAppended, true);
    const next = await client.appendToMany([{ stream: a, events: events(), expected: 1 }]);
    assert.equal(next.streams[0]?.firstRevision, 2);
    const refused = client.appendToMany([
        { stream: c, events: events(), expected: "stream-exists" },
        { stream: b, events: events(), expected: "any" },
        { stream: a, events: events(), expected: 7 },
    ], [{ stream: newId(), expected: "no-stream" }]);
    await assert.rejects(refused, (error) => {
        assert.ok(error instanceof ChecksFailedError);
        assert.deepEqual(error.failed, [
            { index: 1, stream: { stream: c, expected: "stream-exists", actual: undefined } },
            { index: 3, stream: { stream: a, expected: 7, actual: 2 } },
        ]);
        return error.count === 2;
    });
    const twice = client.appendToMany([{ stream: c, events: events(), expected: 0 }], [{ stream: c, expected: 0 }]);
    await assert.rejects(twice, InvalidFieldError);
    await assert.rejects(client.appendToMany([{ stream: c, events: events(), expected: -1 }]), InvalidFieldError);
});
//# sourceMappingURL=append-to-many.test.js.map