/** Tests of concurrent appends of all sizes: each succeeds or fails on its own. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AppendPipelineRequestSchema, } from "../../src/generated/annals/v1/append_pb.js";
import { fromBinary } from "@bufbuild/protobuf";
import { toPbAppend, toPbAppendToMany } from "../../src/append.js";
import { encodeAppend, MESSAGE_BYTES_MAX, messageOf, nextInMessage } from "../../src/encoded.js";
import { InvalidFieldError, newEvent, newId, TooLargeError } from "../../src/index.js";
import { TestServer } from "../../src/testing/index.js";
let server;
let client;
before(async () => {
    server = await TestServer.start();
    client = server.client({ timeoutMs: 60_000 });
});
after(() => server[Symbol.asyncDispose]());
const MIB = 1 << 20;
/** Creates more than the server accepts in a message. */
const oversized = () => Array.from({ length: 7 }, () => newEvent("Large", new Uint8Array(MIB)));
/** Returns the indexes of failed appends, with their errors. */
async function failures(appends) {
    const results = await Promise.allSettled(appends);
    return results.flatMap((result, n) => result.status === "rejected" ? [[n, result.reason]] : []);
}
async function revisionsOf(stream) {
    return (await client.readStream(stream).toArray()).map((event) => event.json());
}
test("an oversized append fails only its own caller", async () => {
    const [stream, many] = [`small-${newId()}`, `large-${newId()}`];
    const appends = Array.from({ length: 301 }, (_, n) => n === 150 ? client.append(many, "any", oversized()) : client.append(stream, "any", [newEvent("Small", n)]));
    const [[nth, error] = [], ...more] = await failures(appends);
    assert.deepEqual([nth, more], [150, []]);
    assert.ok(error instanceof TooLargeError);
    assert.deepEqual(new Set(await revisionsOf(stream)), new Set(Array.from({ length: 301 }, (_, n) => n).filter((n) => n !== 150)));
});
test("an oversized append fails only its own caller in a pipeline, and the others stay in order", async () => {
    const pipeline = client.appendPipeline();
    const stream = `small-${newId()}`;
    const appends = [];
    let revision = -1;
    const small = () => {
        appends.push(pipeline.append(stream, revision < 0 ? "no-stream" : revision, [newEvent("Small", revision + 1)]));
        revision += 1;
    };
    for (let round = 0; round < 3; round += 1) {
        for (let n = 0; n < 50; n += 1)
            small();
        appends.push(pipeline.append(`large-${newId()}`, "any", oversized()));
        appends.push(pipeline.appendToMany([{ stream: `large-${newId()}`, events: oversized() }]));
    }
    for (let n = 0; n < 50; n += 1)
        small();
    const failed = await failures(appends);
    assert.deepEqual(failed.map(([nth]) => nth), [50, 51, 102, 103, 154, 155]);
    assert.ok(failed.every(([, error]) => error instanceof TooLargeError));
    assert.deepEqual(await revisionsOf(stream), Array.from({ length: 200 }, (_, n) => n));
    await pipeline.close();
});
test("an append may be too large because of its tags or its checks", async () => {
    const tagged = Array.from({ length: 500 }, (_, n) => newEvent("Tagged", n, { tags: Array.from({ length: 32 }, (_, tag) => `${tag}-${"x".repeat(250)}`) }));
    const names = Array.from({ length: 1_000 }, (_, n) => `${n}-${"x".repeat(500)}`);
    const checks = Array.from({ length: 16 }, () => ({ noMatch: { streams: names }, after: 0 }));
    const pipeline = client.appendPipeline();
    const stream = `tagged-${newId()}`;
    const appends = [];
    for (let n = 0; n < 20; n += 1)
        appends.push(pipeline.append(stream, "any", [newEvent("Small", n)]));
    appends.push(pipeline.append(`tagged-${newId()}`, "any", [...tagged, ...tagged.map((event) => ({ ...event, id: newId() }))]));
    appends.push(pipeline.appendToMany([{ stream: `checked-${newId()}`, events: [newEvent("Checked")] }], checks));
    for (let n = 20; n < 40; n += 1)
        appends.push(pipeline.append(stream, "any", [newEvent("Small", n)]));
    assert.deepEqual((await failures(appends)).map(([nth, error]) => [nth, error instanceof TooLargeError]), [
        [20, true],
        [21, true],
    ]);
    assert.deepEqual(await revisionsOf(stream), Array.from({ length: 40 }, (_, n) => n));
});
test("an append that can't be encoded fails on its own, without throwing", async () => {
    const pipeline = client.appendPipeline();
    const good = pipeline.append(`good-${newId()}`, "any", [newEvent("A")]);
    const bad = pipeline.append("bad", "any", [{ ...newEvent("A"), id: 7 }]);
    const worse = pipeline.append("bad", "nothing", [newEvent("A")]);
    assert.deepEqual((await failures([good, bad, worse])).map(([nth, error]) => [nth, error instanceof InvalidFieldError]), [
        [1, true],
        [2, true],
    ]);
    assert.equal(pipeline.unanswered, 0);
});
test("a message has as many appends as fit, in order, and a large append has its own", () => {
    const encoded = (append) => ({ message: encodeAppend(append) });
    const small = (n) => encoded(toPbAppend(`small-${n}`, "any", [newEvent("A", n)]));
    const sized = (bytes) => encoded(toPbAppendToMany([{ stream: "sized", events: [newEvent("A", new Uint8Array(bytes))] }], []));
    const messages = (appends) => {
        const counts = [];
        for (let from = 0; from < appends.length; from += counts.at(-1))
            counts.push(nextInMessage(appends, from));
        return counts;
    };
    const some = Array.from({ length: 2_500 }, (_, n) => small(n));
    assert.deepEqual(messages(some), [1_000, 1_000, 500]);
    assert.equal(nextInMessage([], 0), 0);
    assert.deepEqual(messages([small(1), sized(MESSAGE_BYTES_MAX), small(2), small(3)]), [1, 1, 2]);
    assert.deepEqual(messages([sized(200_000), sized(200_000), sized(200_000), small(1)]), [2, 2]);
    const { appends } = fromBinary(AppendPipelineRequestSchema, messageOf([small(0), sized(3), small(1)]));
    assert.deepEqual(appends.map(({ append }) => (append.case === "appendToStream" ? append.value.stream : append.case)), ["small-0", "appendToMany", "small-1"]);
});
//# sourceMappingURL=sizes.test.js.map