/** Shared functions of the client's tests. */
import assert from "node:assert/strict";
import { newEvent } from "../../src/index.js";
/** Creates `count` events, numbered from `from`, each tagged with its number. */
export function numbered(from, count, type = () => "Numbered") {
    return Array.from({ length: count }, (_, n) => newEvent(type(from + n), { n: from + n }, { tags: [`n:${from + n}`] }));
}
/** Returns the number of open calls at the server, from its metrics. */
export async function openCalls(server) {
    const metrics = await (await fetch(`${server.httpEndpoint}/metrics`)).text();
    const found = /^annals_grpc_calls_open (\d+)$/m.exec(metrics)?.[1];
    assert.ok(found !== undefined, metrics);
    return Number(found);
}
/** Waits until this many calls are open at the server. */
export async function untilOpen(server, calls) {
    for (let tries = 0; (await openCalls(server)) !== calls; tries += 1) {
        assert.ok(tries < 1_000, `${await openCalls(server)} calls are open, not ${calls}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
}
/** Appends more than fits into the buffers of a call that is not read: 24 MiB. */
export async function appendMuch(client, stream) {
    const data = new Uint8Array(8 * 1_024);
    for (let append = 0; append < 12; append += 1) {
        await client.append(stream, "any", Array.from({ length: 256 }, () => newEvent("Much", data)));
    }
}
//# sourceMappingURL=fixtures.js.map