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
/** Tests of projection versions on every store: a higher version is built beside the live one, and replaces it. */
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { test } from "node:test";
import { Client } from "../../src/index.js";
import { TestServer } from "../../src/testing/index.js";
import { MemoryStore, ProjectionError, Projections } from "../../src/toolkit/index.js";
import { orders, totals } from "./orders.js";
import { memory, postgres, sqlite } from "./stores.js";
const QUICK = { pauseFirstMs: 5, pauseMaxMs: 50, triesMax: 3 };
async function append(client, stream, ...cents) {
    const events = cents.map((one) => orders.encode({ type: "ItemAdded", data: { item: "tea", cents: one } }));
    return (await client.append(stream, "any", events)).lastPosition;
}
/** Totals that depend on the version, by which amounts are multiplied. They wait for the gate before each event. */
function inVersion(kind, version, gate = () => Promise.resolve()) {
    const table = {
        ...kind.table,
        add: async (...[target, order, cents]) => {
            await gate();
            await kind.table.add(target, order, cents * version);
        },
    };
    return { ...totals(table), version };
}
/** Creates a gate that is closed until it is opened, and signals when a caller waits at it. */
function shut() {
    const events = new EventEmitter();
    const [reached, opened] = [once(events, "reached"), once(events, "open")];
    const gate = async () => {
        events.emit("reached");
        await opened;
    };
    return { gate, reached, open: () => events.emit("open") };
}
function onEveryStore(what, body) {
    const kinds = { memory, sqlite, postgres };
    for (const [name, open] of Object.entries(kinds)) {
        void test(`${name}: ${what}`, async (context) => {
            const env_1 = { stack: [], error: void 0, hasError: false };
            try {
                const opened = await open();
                if (opened === undefined) {
                    context.skip("no PostgreSQL is installed");
                    return;
                }
                const kind = __addDisposableResource(env_1, opened, true);
                const server = __addDisposableResource(env_1, await TestServer.start(), true);
                await body(kind, server.client());
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
    }
}
/** Runs a version up to a position, and stops it. */
async function run(kind, client, version, position) {
    const projections = new Projections(client, kind.store, [inVersion(kind, version)], QUICK);
    await projections.waitFor(position);
    await projections.stop();
    return projections;
}
onEveryStore("a higher version is built beside the live one, which readers see until it has caught up", async (kind, client) => {
    const env_2 = { stack: [], error: void 0, hasError: false };
    try {
        const position = await append(client, "order-1", 1, 2, 3);
        await run(kind, client, 1, position);
        const { gate, reached, open } = shut();
        const projections = __addDisposableResource(env_2, new Projections(client, kind.store, [inVersion(kind, 2, gate)], QUICK), true);
        const running = projections.get("totals");
        await reached;
        assert.deepEqual(await kind.totals(), { "order-1": 6 });
        assert.deepEqual(running.status, {
            name: "totals",
            state: "rebuilding",
            generation: 1,
            position,
            rebuilding: { generation: 2, position: 0 },
            problem: undefined,
        });
        await assert.rejects(running.waitFor(0, { timeoutMs: 20 }), ProjectionError);
        await assert.rejects(running.rebuild(), /is being rebuilt already/);
        await assert.rejects(running.retryDeadLetters(), /is being rebuilt for version 2/);
        assert.equal((await running.lag()).events, 0);
        open();
        await running.waitFor(position);
        assert.deepEqual(await kind.totals(), { "order-1": 12 });
        await running.waitFor(await append(client, "order-1", 10));
        assert.deepEqual(await kind.totals(), { "order-1": 32 });
        const { state, generation, rebuilding } = running.status;
        assert.deepEqual([state, generation, rebuilding], ["running", 2, undefined]);
        const builds = await kind.store.transaction((tx) => kind.store.checkpoints(tx, "totals"));
        assert.deepEqual(builds.map((build) => [build.generation, build.version, build.state]), [[2, 2, "live"]]);
    }
    catch (e_2) {
        env_2.error = e_2;
        env_2.hasError = true;
    }
    finally {
        const result_2 = __disposeResources(env_2);
        if (result_2)
            await result_2;
    }
});
onEveryStore("the same version continues, a rebuild keeps it, and a lower one fails and changes nothing", async (kind, client) => {
    const env_3 = { stack: [], error: void 0, hasError: false };
    try {
        const position = await append(client, "order-1", 1, 2, 3);
        await run(kind, client, 2, position);
        {
            const env_4 = { stack: [], error: void 0, hasError: false };
            try {
                const again = __addDisposableResource(env_4, new Projections(client, kind.store, [inVersion(kind, 2)], QUICK), true);
                await again.waitFor(position);
                assert.equal(again.get("totals").status.generation, 1);
                await again.get("totals").rebuild();
            }
            catch (e_3) {
                env_4.error = e_3;
                env_4.hasError = true;
            }
            finally {
                const result_3 = __disposeResources(env_4);
                if (result_3)
                    await result_3;
            }
        }
        assert.equal((await run(kind, client, 2, position)).get("totals").status.generation, 2);
        const older = __addDisposableResource(env_3, new Projections(client, kind.store, [inVersion(kind, 1)], QUICK), true);
        await assert.rejects(older.waitFor(position), /projection "totals" was built by version 2, but this program has version 1/);
        assert.equal(older.get("totals").status.state, "failed");
        assert.deepEqual(await kind.totals(), { "order-1": 12 });
    }
    catch (e_4) {
        env_3.error = e_4;
        env_3.hasError = true;
    }
    finally {
        const result_4 = __disposeResources(env_3);
        if (result_4)
            await result_4;
    }
});
onEveryStore("a stopped build continues in its version, and is replaced by a higher one", async (kind, client) => {
    const position = await append(client, "order-1", 1, 2, 3);
    await run(kind, client, 1, position);
    for (const [version, generation] of [
        [2, 2],
        [2, 2],
        [3, 3],
    ]) {
        const { gate, reached, open } = shut();
        const projections = new Projections(client, kind.store, [
            inVersion(kind, version, () => gate().then(() => {
                throw new Error("stop");
            })),
        ], { ...QUICK, triesMax: 1_000 });
        await reached;
        assert.equal(projections.get("totals").status.rebuilding?.generation, generation);
        assert.deepEqual(await kind.totals(), { "order-1": 6 });
        open();
        await projections.stop();
    }
    await run(kind, client, 3, position);
    assert.deepEqual(await kind.totals(), { "order-1": 18 });
    const builds = await kind.store.transaction((tx) => kind.store.checkpoints(tx, "totals"));
    assert.deepEqual(builds.map((build) => [build.generation, build.version, build.state]), [[3, 3, "live"]]);
});
onEveryStore("programs of both versions can run concurrently: the higher one takes over, and the lower one then fails", async (kind, client) => {
    const env_5 = { stack: [], error: void 0, hasError: false };
    try {
        await append(client, "order-1", ...Array.from({ length: 50 }, () => 1));
        const old = __addDisposableResource(env_5, new Projections(client, kind.store, [inVersion(kind, 1)], QUICK), true);
        await old.waitFor(50);
        const newer = Array.from({ length: 3 }, () => new Projections(client, kind.store, [inVersion(kind, 2)], QUICK));
        let position = 0;
        for (let n = 0; n < 20; n += 1)
            position = await append(client, "order-1", 1);
        for (const projections of newer)
            await projections.waitFor(position);
        assert.deepEqual(await kind.totals(), { "order-1": 140 });
        await assert.rejects(old.waitFor(position + 1), /built by version 2/);
        await Promise.all(newer.map((projections) => projections.waitFor(position)));
        for (let n = 0; n < 20; n += 1)
            position = await append(client, "order-1", 1);
        for (const projections of newer)
            await projections.waitFor(position);
        assert.deepEqual(await kind.totals(), { "order-1": 180 });
        await Promise.all(newer.map((projections) => projections.stop()));
    }
    catch (e_5) {
        env_5.error = e_5;
        env_5.hasError = true;
    }
    finally {
        const result_5 = __disposeResources(env_5);
        if (result_5)
            await result_5;
    }
});
test("a version is a whole number from 1", () => {
    const env_6 = { stack: [], error: void 0, hasError: false };
    try {
        const client = __addDisposableResource(env_6, new Client("http://127.0.0.1:2113"), false);
        for (const version of [0, -1, 1.5, NaN, "2"]) {
            assert.throws(() => new Projections(client, new MemoryStore(), [{ name: "odd", version, handle: () => undefined }]), /must be a whole number from 1/);
        }
    }
    catch (e_6) {
        env_6.error = e_6;
        env_6.hasError = true;
    }
    finally {
        __disposeResources(env_6);
    }
});
//# sourceMappingURL=versions.test.js.map