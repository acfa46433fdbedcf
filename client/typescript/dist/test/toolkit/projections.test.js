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
/**
 * Tests of projections on every store: exactly-once handling under failures, dead letters, rebuilds, lag, waiting.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nameId, newId } from "../../src/index.js";
import { project, TestServer } from "../../src/testing/index.js";
import { contextOf, decideOn, MemoryStore, processManager, ProjectionError, Projections, Repository, waitForProjection, } from "../../src/toolkit/index.js";
import { addItem, order, orders, place, totals } from "./orders.js";
import { memory, memoryTable, postgres, sqlite } from "./stores.js";
const QUICK = { pauseFirstMs: 5, pauseMaxMs: 50, triesMax: 3 };
const item = (cents, name = "tea") => orders.encode({ type: "ItemAdded", data: { item: name, cents } });
async function append(client, stream, ...cents) {
    return (await client.append(stream, "any", cents.map((one) => item(one)))).lastPosition;
}
async function until(what, holds) {
    for (let tries = 0; !(await holds()); tries += 1) {
        assert.ok(tries < 2_000, `not within 20 s: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
}
/** Defines the same tests for each kind of store. */
function onEveryStore(name, open) {
    const using = (what, body) => {
        void test(`${name}: ${what}`, async (context) => {
            const opened = await open();
            if (opened === undefined) {
                context.skip("no PostgreSQL is installed");
                return;
            }
            await using_(opened, async (kind) => {
                const env_1 = { stack: [], error: void 0, hasError: false };
                try {
                    const server = __addDisposableResource(env_1, await TestServer.start(), true);
                    await body(kind, server, context);
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
        });
    };
    using("a projection handles existing and new events, and a caller can wait for it", async (kind, server) => {
        const env_2 = { stack: [], error: void 0, hasError: false };
        try {
            const client = server.client();
            await append(client, "order-1", 1, 2, 3);
            const projections = __addDisposableResource(env_2, new Projections(client, kind.store, [totals(kind.table)], QUICK), true);
            const position = await append(client, "order-2", 10, 20);
            await projections.waitFor(position);
            assert.deepEqual(await kind.totals(), { "order-1": 6, "order-2": 30 });
            const running = projections.get("totals");
            assert.deepEqual(await running.lag(), { events: 0, seconds: 0 });
            assert.deepEqual({ ...running.status, problem: undefined }, { name: "totals", state: "running", generation: 1, position, rebuilding: undefined, problem: undefined });
            await waitForProjection(kind.store, "totals", position);
            await assert.rejects(running.waitFor(position + 1, { timeoutMs: 50 }), ProjectionError);
            await assert.rejects(waitForProjection(kind.store, "totals", position + 1, { timeoutMs: 100 }), ProjectionError);
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
    using("after waiting for position 0, the tables exist", async (kind, server) => {
        const env_3 = { stack: [], error: void 0, hasError: false };
        try {
            const projections = __addDisposableResource(env_3, new Projections(server.client(), kind.store, [totals(kind.table)], QUICK), true);
            await projections.waitFor(0);
            assert.deepEqual(await kind.totals(), {});
        }
        catch (e_3) {
            env_3.error = e_3;
            env_3.hasError = true;
        }
        finally {
            const result_3 = __disposeResources(env_3);
            if (result_3)
                await result_3;
        }
    });
    using("a caller can wait for a projection that another process starts later", async (kind, server) => {
        const env_4 = { stack: [], error: void 0, hasError: false };
        try {
            const client = server.client();
            await assert.rejects(waitForProjection(kind.store, "totals", 1, { timeoutMs: 60 }), /was never started, not yet at 1, after 60ms/);
            const position = await append(client, "order-1", 1);
            const waited = waitForProjection(kind.store, "totals", position, { pollMs: 5 }).then(() => kind.totals());
            // Enough time for at least one poll before there is a table.
            await new Promise((resolve) => setTimeout(resolve, 50));
            const projections = __addDisposableResource(env_4, new Projections(client, kind.store, [totals(kind.table)], QUICK), true);
            assert.deepEqual(await waited, { "order-1": 1 });
            assert.equal(projections.get("totals").status.state, "running");
        }
        catch (e_4) {
            env_4.error = e_4;
            env_4.hasError = true;
        }
        finally {
            const result_4 = __disposeResources(env_4);
            if (result_4)
                await result_4;
        }
    });
    using("a restarted projection continues after its checkpoint", async (kind, server) => {
        const client = server.client();
        for (let round = 1; round <= 3; round += 1) {
            const env_5 = { stack: [], error: void 0, hasError: false };
            try {
                const position = await append(client, "order-1", 1, 1);
                const projections = __addDisposableResource(env_5, new Projections(client, kind.store, [totals(kind.table)], QUICK), true);
                await projections.waitFor(position);
                assert.deepEqual(await kind.totals(), { "order-1": 2 * round });
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
        }
    });
    using("an event that can't be handled becomes a dead letter with its error, and later events continue", async (kind, server) => {
        const env_6 = { stack: [], error: void 0, hasError: false };
        try {
            const client = server.client();
            const problems = [];
            let cured = false;
            const poisoned = totals(kind.table);
            const curable = {
                ...poisoned,
                handle: async (event, target) => {
                    await kind.table.add(target, "touched", 1);
                    if (!cured || event.json().item !== "poison")
                        await poisoned.handle(event, target);
                },
            };
            await client.append("order-1", "any", [item(1), item(2), item(4, "poison"), item(8)]);
            const projections = __addDisposableResource(env_6, new Projections(client, kind.store, [curable], {
                ...QUICK,
                onError: (problem) => problems.push(problem),
            }), true);
            await projections.waitFor(4);
            // The writes of the handler before its error were rolled back each time.
            assert.deepEqual(await kind.totals(), { "order-1": 11, touched: 3 });
            const running = projections.get("totals");
            const [letter, ...more] = await running.deadLetters();
            assert.deepEqual(more, []);
            assert.ok(letter !== undefined);
            assert.deepEqual([letter.position, letter.stream, letter.type, letter.tries, letter.reason], [3, "order-1", "ItemAdded", 3, "Error: this item is poison"]);
            assert.deepEqual(problems.map(({ then }) => then), ["retry", "retry", "dead-letter"]);
            assert.equal(await running.retryDeadLetters(), 0);
            cured = true;
            assert.equal(await running.retryDeadLetters(), 1);
            assert.deepEqual(await running.deadLetters(), []);
            assert.deepEqual(await kind.totals(), { "order-1": 11, touched: 4 });
        }
        catch (e_6) {
            env_6.error = e_6;
            env_6.hasError = true;
        }
        finally {
            const result_6 = __disposeResources(env_6);
            if (result_6)
                await result_6;
        }
    });
    using("a rebuild runs beside the live build, and replaces it", async (kind, server) => {
        const env_7 = { stack: [], error: void 0, hasError: false };
        try {
            const client = server.client();
            await append(client, "order-1", ...Array.from({ length: 100 }, () => 1));
            const projections = __addDisposableResource(env_7, new Projections(client, kind.store, [totals(kind.table)], QUICK), true);
            await projections.waitFor(100);
            // The rebuild must repair this manual change.
            await kind.store.transaction((tx) => kind.table.add({ tx, generation: 1, table: (name) => `${name}__1` }, "order-1", 1_000));
            assert.deepEqual(await kind.totals(), { "order-1": 1_100 });
            const running = projections.get("totals");
            const rebuilt = running.rebuild();
            const position = await append(client, "order-2", 5);
            await rebuilt;
            await projections.waitFor(position);
            assert.deepEqual(await kind.totals(), { "order-1": 100, "order-2": 5 });
            assert.equal(running.status.generation, 2);
            assert.equal(running.status.rebuilding, undefined);
            await projections.waitFor(await append(client, "order-2", 5));
            assert.deepEqual(await kind.totals(), { "order-1": 100, "order-2": 10 });
            await running.rebuild();
            assert.equal(running.status.generation, 3);
            assert.deepEqual(await kind.totals(), { "order-1": 100, "order-2": 10 });
        }
        catch (e_7) {
            env_7.error = e_7;
            env_7.hasError = true;
        }
        finally {
            const result_7 = __disposeResources(env_7);
            if (result_7)
                await result_7;
        }
    });
    using("two processes with the same projection apply no event twice", async (kind, server) => {
        const env_8 = { stack: [], error: void 0, hasError: false };
        try {
            const client = server.client();
            const one = __addDisposableResource(env_8, new Projections(client, kind.store, [totals(kind.table)], QUICK), true);
            const other = __addDisposableResource(env_8, new Projections(server.client(), kind.store, [totals(kind.table)], QUICK), true);
            let position = 0;
            for (let n = 0; n < 30; n += 1)
                position = await append(client, "order-1", 1, 1);
            await one.waitFor(position);
            await other.waitFor(position);
            assert.deepEqual(await kind.totals(), { "order-1": 60 });
        }
        catch (e_8) {
            env_8.error = e_8;
            env_8.hasError = true;
        }
        finally {
            const result_8 = __disposeResources(env_8);
            if (result_8)
                await result_8;
        }
    });
    using("a checkpoint of another store is refused, and other projections continue", async (kind, server) => {
        const env_9 = { stack: [], error: void 0, hasError: false };
        try {
            const client = server.client();
            {
                const env_10 = { stack: [], error: void 0, hasError: false };
                try {
                    const before = __addDisposableResource(env_10, new Projections(client, kind.store, [totals(kind.table)], QUICK), true);
                    await before.waitFor(await append(client, "order-1", 1));
                }
                catch (e_9) {
                    env_10.error = e_9;
                    env_10.hasError = true;
                }
                finally {
                    const result_9 = __disposeResources(env_10);
                    if (result_9)
                        await result_9;
                }
            }
            const another = __addDisposableResource(env_9, await TestServer.start(), true);
            const elsewhere = another.client();
            const seen = [];
            const counting = {
                name: "counting",
                handle: (event) => {
                    seen.push(event.position);
                },
            };
            const projections = __addDisposableResource(env_9, new Projections(elsewhere, kind.store, [totals(kind.table), counting], QUICK), true);
            const position = await append(elsewhere, "order-1", 1);
            await projections.get("counting").waitFor(position);
            await assert.rejects(projections.waitFor(position), /was built from store .* start with an empty read model/);
            assert.equal(projections.get("totals").status.state, "failed");
            assert.deepEqual(seen, [1]);
        }
        catch (e_10) {
            env_9.error = e_10;
            env_9.hasError = true;
        }
        finally {
            const result_10 = __disposeResources(env_9);
            if (result_10)
                await result_10;
        }
    });
}
async function using_(kind, body) {
    try {
        await body(kind);
    }
    finally {
        await kind[Symbol.asyncDispose]();
    }
}
onEveryStore("memory", memory);
onEveryStore("sqlite", sqlite);
onEveryStore("postgres", postgres);
test("a projection is tested without a server", async () => {
    const store = new MemoryStore();
    await project(store, totals(memoryTable), orders, [
        { stream: "order-1", type: "ItemAdded", data: { item: "tea", cents: 4 } },
        { stream: "order-1", type: "OrderConfirmed", data: {} },
        { stream: "order-1", type: "ItemAdded", data: { item: "cup", cents: 5 } },
    ]);
    assert.deepEqual([...store.table("totals")], [["order-1", 9]]);
});
test("reactions of a process manager take effect once, though they run again", async () => {
    const env_11 = { stack: [], error: void 0, hasError: false };
    try {
        const server = __addDisposableResource(env_11, await TestServer.start(), true);
        const client = server.client();
        const repository = new Repository(client, order);
        let runs = 0;
        const gifts = processManager({
            name: "gifts",
            schema: orders,
            reactions: {
                OrderPlaced: async (_, { event }) => {
                    runs += 1;
                    const id = event.stream.slice("order-".length);
                    await repository.execute(id, addItem("gift", 0));
                    if (runs % 3 !== 0)
                        throw new Error("the power failed");
                    await repository.execute(id, addItem("card", 0));
                    await decideOn(client, orders, {}, () => [{ stream: `log-${id}`, type: "OrderConfirmed", data: {} }]);
                },
            },
        });
        const projections = __addDisposableResource(env_11, new Projections(client, new MemoryStore(), [gifts], QUICK), true);
        const ids = [newId(), newId(), newId()];
        let position;
        for (const id of ids)
            ({ position } = await repository.execute(id, place("ada")));
        await projections.waitFor(position);
        assert.equal(runs, 9);
        for (const id of ids) {
            const [placed, ...items] = await client.readStream(order.stream(id)).toArray();
            assert.deepEqual(items.map((event) => event.json().item), ["gift", "card"]);
            assert.equal(contextOf(items[0]).causationId, placed?.id);
            const [logged, ...more] = await client.readStream(`log-${id}`).toArray();
            assert.deepEqual(more, []);
            // The ids are the same in every language.
            const seed = nameId(placed.id, "gifts");
            const commands = [`${order.stream(id)}/0`, `${order.stream(id)}/1`, "/0"].map((name) => nameId(seed, name));
            assert.deepEqual([...items, logged].map((event) => event.tags), commands.map((command) => [`command:${command}`]));
            assert.deepEqual([...items, logged].map((event) => event.id), commands.map((command) => nameId(command, "0")));
        }
    }
    catch (e_11) {
        env_11.error = e_11;
        env_11.hasError = true;
    }
    finally {
        const result_11 = __disposeResources(env_11);
        if (result_11)
            await result_11;
    }
});
test("a projection continues after the server was killed", async () => {
    const env_12 = { stack: [], error: void 0, hasError: false };
    try {
        const server = __addDisposableResource(env_12, await TestServer.start({ engine: "embedded" }), true);
        const kind = __addDisposableResource(env_12, await memory(), true);
        const client = server.client({ timeoutMs: 30_000 });
        const projections = __addDisposableResource(env_12, new Projections(client, kind.store, [totals(kind.table)], QUICK), true);
        for (let round = 1; round <= 3; round += 1) {
            const position = await append(client, "order-1", 1, 1);
            await projections.waitFor(position, { timeoutMs: 30_000 });
            await server.kill();
            await server.start();
        }
        const position = await append(client, "order-1", 1);
        await projections.waitFor(position, { timeoutMs: 30_000 });
        assert.deepEqual(await kind.totals(), { "order-1": 7 });
        await until("its status is running", () => projections.get("totals").status.state === "running");
    }
    catch (e_12) {
        env_12.error = e_12;
        env_12.hasError = true;
    }
    finally {
        const result_12 = __disposeResources(env_12);
        if (result_12)
            await result_12;
    }
});
//# sourceMappingURL=projections.test.js.map