var __addDisposableResource = (this && this.__addDisposableResource) || function (env, value, async) {
    if (value !== null && value !== void 0) {
        if (typeof value !== "object" && typeof value !== "function") throw new TypeError("Object expected.");
        var dispose, inner;
        if (async) {
            if (!Symbol.asyncDispose) throw new TypeError("Symbol.asyncDispose is not defined.");
            dispose = value[Symbol.asyncDispose];
        }
        if (dispose === void 0) {
            if (!Symbol.dispose) throw new TypeError("Symbol.dispose is not defined.");
            dispose = value[Symbol.dispose];
            if (async) inner = dispose;
        }
        if (typeof dispose !== "function") throw new TypeError("Object not disposable.");
        if (inner) dispose = function() { try { inner.call(this); } catch (e) { return Promise.reject(e); } };
        env.stack.push({ value: value, dispose: dispose, async: async });
    }
    else if (async) {
        env.stack.push({ async: true });
    }
    return value;
};
var __disposeResources = (this && this.__disposeResources) || (function (SuppressedError) {
    return function (env) {
        function fail(e) {
            env.error = env.hasError ? new SuppressedError(e, env.error, "An error was suppressed during disposal.") : e;
            env.hasError = true;
        }
        var r, s = 0;
        function next() {
            while (r = env.stack.pop()) {
                try {
                    if (!r.async && s === 1) return s = 0, env.stack.push(r), Promise.resolve().then(next);
                    if (r.dispose) {
                        var result = r.dispose.call(r.value);
                        if (r.async) return s |= 2, Promise.resolve(result).then(next, function(e) { fail(e); return next(); });
                    }
                    else s |= 1;
                }
                catch (e) {
                    fail(e);
                }
            }
            if (s === 1) return env.hasError ? Promise.reject(env.error) : Promise.resolve();
            if (env.hasError) throw env.error;
        }
        return next();
    };
})(typeof SuppressedError === "function" ? SuppressedError : function (error, suppressed, message) {
    var e = new Error(message);
    return e.name = "SuppressedError", e.error = error, e.suppressed = suppressed, e;
});
/** Tests that the toolkit's reads and subscriptions end their calls at the server, by the server's metrics. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newEvent, newId } from "../../src/index.js";
import { TestServer } from "../../src/testing/index.js";
import { decideOn, MemoryStore, processManager, Projections, Repository, } from "../../src/toolkit/index.js";
import { appendMuch, untilOpen } from "../client/fixtures.js";
import { order, orders } from "./orders.js";
let server;
let client;
before(async () => {
    server = await TestServer.start();
    client = server.client({ timeoutMs: 60_000 });
    await appendMuch(client, "order-much");
});
after(() => server[Symbol.asyncDispose]());
class Enough extends Error {
}
const throws = () => {
    throw new Enough();
};
test("a load or a command that fails at an event stops reading", async () => {
    const repository = new Repository(client, order);
    for (let n = 0; n < 10; n += 1) {
        await assert.rejects(repository.load("much"), { name: "SchemaError" });
        await assert.rejects(repository.execute("much", () => undefined), { name: "SchemaError" });
    }
    await untilOpen(server, 0);
});
test("a decision that fails at an event, or before the first, stops reading", async () => {
    const model = { query: { types: ["Much"] }, initial: () => 0, evolve: {} };
    for (let n = 0; n < 10; n += 1) {
        await assert.rejects(decideOn(client, orders, { model }, () => []), { name: "SchemaError" });
        await assert.rejects(decideOn(client, orders, { model: { ...model, initial: throws } }, () => []), Enough);
    }
    await untilOpen(server, 0);
});
test("projections have one subscription each even if handlers throw, and none when stopped", async () => {
    const failing = { name: "failing", query: { types: ["OrderConfirmed"] }, handle: throws };
    const working = { name: "working", handle: () => undefined };
    const reacting = processManager({
        name: "reacting",
        schema: orders,
        reactions: { OrderConfirmed: throws },
    });
    const problems = [];
    const projections = new Projections(client, new MemoryStore(), [failing, working, reacting], {
        pauseFirstMs: 1,
        pauseMaxMs: 1,
        triesMax: 2,
        onError: ({ projection }) => problems.push(projection),
    });
    const events = Array.from({ length: 20 }, () => newEvent("OrderConfirmed", {}));
    const { lastPosition } = await client.append(`order-${newId()}`, "any", events);
    await projections.waitFor(lastPosition, { timeoutMs: 60_000 });
    assert.equal(problems.length, 2 * 2 * events.length);
    await untilOpen(server, 3);
    await projections.stop();
    await untilOpen(server, 0);
});
test("waiting for a projection, and reading its lag, leaves no call open", async () => {
    const env_1 = { stack: [], error: void 0, hasError: false };
    try {
        const projections = __addDisposableResource(env_1, new Projections(client, new MemoryStore(), [
            { name: "slow", handle: () => new Promise((resolve) => setTimeout(resolve, 1)) },
        ]), true);
        await projections.waitFor(0);
        for (let n = 0; n < 10; n += 1)
            assert.ok((await projections.get("slow").lag()).events > 0);
        await untilOpen(server, 1);
    }
    catch (e_1) {
        env_1.error = e_1;
        env_1.hasError = true;
    }
    finally {
        const result_1 = __disposeResources(env_1);
        if (result_1)
            await result_1;
    }
});
//# sourceMappingURL=abandoned.test.js.map