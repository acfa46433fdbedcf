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
/** Tests of the Inventory example: its rules without a server, and its HTTP interface against one. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { newId } from "annals-client";
import { given, TestServer } from "annals-client/testing";
import { contextOf } from "annals-client/toolkit";
import Database from "better-sqlite3";
import { serve } from "../../examples/inventory/http.js";
import { Inventory } from "../../examples/inventory/inventory.js";
import { item, receive, register, release, reserve, ship } from "../../examples/inventory/item.js";
import { logTo } from "../../examples/inventory/log.js";
const registered = { type: "ItemRegistered", data: { sku: "tea", name: "Green tea", lowStockThreshold: 5 } };
const units = (type, quantity) => ({
    type,
    data: { sku: "tea", quantity },
});
test("inventory: stock is received, reserved, released and shipped by the rules", async () => {
    await given(item)
        .when(register("tea", "Green tea", 5))
        .then(registered);
    await given(item, registered)
        .when(register("tea", "Green tea", 5))
        .thenFails({ code: "item_exists" });
    for (const command of [receive, reserve, release, ship])
        await given(item).when(command("tea", 1)).thenFails({ code: "item_not_found" });
    const stocked = [registered, units("StockReceived", 10), units("StockReserved", 4)];
    await given(item, registered).when(receive("tea", 10)).then(units("StockReceived", 10));
    await given(item, ...stocked)
        .when(reserve("tea", 6))
        .then(units("StockReserved", 6));
    await given(item, ...stocked)
        .when(reserve("tea", 7))
        .thenFails({ code: "insufficient_stock", message: "7 of item tea can't be reserved: only 6 are available" });
    await given(item, ...stocked)
        .when(release("tea", 4))
        .then(units("StockReleased", 4));
    await given(item, ...stocked)
        .when(release("tea", 5))
        .thenFails({ code: "not_reserved" });
    await given(item, ...stocked)
        .when(ship("tea", 5))
        .thenFails({ code: "not_reserved" });
    await given(item, ...stocked)
        .when(ship("tea", 4))
        .thenState({ registered: true, onHand: 6, reserved: 0 });
});
/** Starts the inventory over HTTP, and collects its log. */
async function started(server) {
    const folder = await mkdtemp(join(tmpdir(), "annals-inventory-test-"));
    const database = join(folder, "inventory.db");
    const lines = [];
    const log = logTo((line) => lines.push(JSON.parse(line)));
    const inventory = new Inventory(server.client(), database, log);
    const http = serve(inventory, log);
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    const url = `http://127.0.0.1:${http.address().port}`;
    const ask = async (path, options = {}) => {
        const response = await fetch(`${url}${path}`, options);
        return {
            status: response.status,
            body: await response.json(),
            position: Number(response.headers.get("x-annals-position")),
        };
    };
    return {
        database,
        lines,
        get: (path, headers = {}) => ask(path, { headers }),
        post: (body, headers = {}) => ask("/inventory", { method: "POST", headers, body: typeof body === "string" ? body : JSON.stringify(body) }),
        ask,
        [Symbol.asyncDispose]: async () => {
            http.close();
            http.closeAllConnections();
            await inventory[Symbol.asyncDispose]();
            await rm(folder, { recursive: true });
        },
    };
}
test("inventory: commands are executed, and three projections answer queries", async () => {
    const env_1 = { stack: [], error: void 0, hasError: false };
    try {
        const server = __addDisposableResource(env_1, await TestServer.start(), true);
        const app = __addDisposableResource(env_1, await started(server), true);
        const accepted = async (body, expected, status = 200) => {
            const { status: got, body: answered } = await app.post(body);
            assert.deepEqual([got, answered], [status, expected]);
        };
        // A query before the first event is answered, too.
        assert.deepEqual((await app.get("/inventory")).body, { items: [], next: null });
        await accepted({ command: "register", sku: "tea", name: "Green tea", lowStockThreshold: 5 }, { sku: "tea", revision: 0, position: 1 }, 201);
        await accepted({ command: "register", sku: "cup", name: "Cup 100% white" }, { sku: "cup", revision: 0, position: 2 }, 201);
        await accepted({ command: "receive", sku: "tea", quantity: 10 }, { sku: "tea", revision: 1, position: 3 });
        await accepted({ command: "receive", sku: "cup", quantity: 3 }, { sku: "cup", revision: 1, position: 4 });
        await accepted({ command: "reserve", sku: "tea", quantity: 7 }, { sku: "tea", revision: 2, position: 5 });
        await accepted({ command: "release", sku: "tea", quantity: 1 }, { sku: "tea", revision: 3, position: 6 });
        await accepted({ command: "ship", sku: "tea", quantity: 2 }, { sku: "tea", revision: 4, position: 7 });
        const tea = { sku: "tea", name: "Green tea", onHand: 8, reserved: 4, available: 4, lowStockThreshold: 5 };
        const cup = { sku: "cup", name: "Cup 100% white", onHand: 3, reserved: 0, available: 3, lowStockThreshold: 0 };
        const listed = await app.get("/inventory", { "X-Annals-Position": "7" });
        assert.deepEqual(listed, { status: 200, body: { items: [cup, tea], next: null }, position: 7 });
        for (const [parameters, items, next] of [
            ["limit=1", [cup], "cup"],
            ["limit=1&after=cup", [tea], null],
            ["search=GREEN", [tea], null],
            ["search=TE", [cup, tea], null],
            ["search=100%25", [cup], null],
            ["search=_", [], null],
            ["belowThreshold=true", [tea], null],
            ["belowThreshold=false&search=cup", [cup], null],
        ]) {
            assert.deepEqual((await app.get(`/inventory?${parameters}`)).body, { items, next }, parameters);
        }
        const statistics = await app.get("/inventory/statistics?atLeast=7");
        assert.deepEqual(statistics.body, {
            items: 2,
            unitsOnHand: 11,
            unitsReserved: 4,
            unitsReceived: 13,
            unitsShipped: 2,
        });
        const [reserved] = await server.client().readAll({ from: 5, limit: 1 }).toArray();
        const alerts = await app.get("/inventory/alerts?atLeast=7");
        // It is low since the reservation; the release of one unit was not enough.
        assert.deepEqual(alerts.body, {
            alerts: [
                { sku: "tea", name: "Green tea", available: 4, lowStockThreshold: 5, since: String(reserved?.recordedAt) },
            ],
        });
        const { body } = await app.post({ command: "receive", sku: "tea", quantity: 1 });
        const { position } = body;
        assert.deepEqual((await app.get(`/inventory/alerts?atLeast=${position}`)).body, { alerts: [] });
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
test("inventory: a refused request reports the reason and the field", async () => {
    const env_2 = { stack: [], error: void 0, hasError: false };
    try {
        const server = __addDisposableResource(env_2, await TestServer.start(), true);
        const app = __addDisposableResource(env_2, await started(server), true);
        const tea = { command: "register", sku: "tea", name: "Tea" };
        await app.post(tea);
        const refused = async (body, status, code, field, headers = {}) => {
            const answer = await app.post(body, headers);
            const { error } = answer.body;
            assert.deepEqual([answer.status, error.code, error.field], [status, code, field], JSON.stringify(body));
            assert.notEqual(error.message, "");
        };
        await refused("no JSON", 400, "invalid", "body");
        await refused([], 400, "invalid", "body");
        await refused("x".repeat(100_000), 400, "invalid", "body");
        await refused({}, 400, "invalid", "command");
        await refused({ command: "toString", sku: "tea", quantity: 1 }, 400, "invalid", "command");
        await refused({ command: "receive", quantity: 1 }, 400, "invalid", "sku");
        await refused({ command: "receive", sku: "green tea", quantity: 1 }, 400, "invalid", "sku");
        for (const quantity of [0, -1, 1.5, "1", null, 1e9])
            await refused({ command: "receive", sku: "tea", quantity }, 400, "invalid", "quantity");
        await refused({ command: "register", sku: "cup", name: " " }, 400, "invalid", "name");
        await refused({ command: "register", sku: "cup", name: "Cup", lowStockThreshold: -1 }, 400, "invalid", "lowStockThreshold");
        await refused({ command: "receive", sku: "tea", quantity: 1 }, 400, "invalid", "Idempotency-Key", {
            "Idempotency-Key": "again",
        });
        await refused(tea, 409, "item_exists");
        await refused({ command: "receive", sku: "none", quantity: 1 }, 422, "item_not_found");
        await refused({ command: "reserve", sku: "tea", quantity: 1 }, 422, "insufficient_stock");
        await refused({ command: "ship", sku: "tea", quantity: 1 }, 422, "not_reserved");
        assert.equal((await server.client().serverInfo()).head, 1);
        for (const [path, status, field] of [
            ["/inventory?limit=0", 400, "limit"],
            ["/inventory?belowThreshold=maybe", 400, "belowThreshold"],
            ["/inventory/statistics?atLeast=soon", 400, "atLeast"],
            ["/elsewhere", 404, undefined],
        ]) {
            const answer = await app.get(path);
            assert.deepEqual([answer.status, answer.body.error.field], [status, field], path);
        }
        assert.equal((await app.ask("/inventory/alerts", { method: "DELETE" })).status, 405);
        const late = await app.get("/inventory?atLeast=1000");
        assert.deepEqual([late.status, late.body.error.code], [503, "not_caught_up"]);
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
test("inventory: a retried command takes effect once, and its trace is stored", async () => {
    const env_3 = { stack: [], error: void 0, hasError: false };
    try {
        const server = __addDisposableResource(env_3, await TestServer.start(), true);
        const app = __addDisposableResource(env_3, await started(server), true);
        await app.post({ command: "register", sku: "tea", name: "Tea" });
        const headers = {
            "Idempotency-Key": newId(),
            traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "X-User-Id": "ada",
        };
        for (let times = 0; times < 3; times += 1) {
            assert.deepEqual((await app.post({ command: "receive", sku: "tea", quantity: 5 }, headers)).body, {
                sku: "tea",
                revision: 1,
                position: 2,
            });
        }
        const [, received, ...more] = await server.client().readStream("inventory-tea").toArray();
        assert.deepEqual(more, []);
        const { correlationId, traceparent, ...rest } = contextOf(received);
        assert.deepEqual(rest, { causationId: headers["Idempotency-Key"], userId: "ada" });
        assert.match(traceparent ?? "", /^00-4bf92f3577b34da6a3ce929d0e0e4736-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$/);
        const commands = app.lines.filter(({ kind }) => kind === "command");
        assert.deepEqual(commands.map(({ alreadyExecuted }) => alreadyExecuted), [undefined, undefined, true, true]);
        assert.equal(commands[1]?.["correlationId"], correlationId);
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
test("inventory: a projection that fails does not stop the others, and failures are logged", async () => {
    const env_4 = { stack: [], error: void 0, hasError: false };
    try {
        const server = __addDisposableResource(env_4, await TestServer.start(), true);
        const app = __addDisposableResource(env_4, await started(server), true);
        await app.post({ command: "register", sku: "tea", name: "Tea", lowStockThreshold: 5 });
        assert.equal((await app.get("/inventory/alerts?atLeast=1")).body.alerts.length, 1);
        // Damage the tables of one projection.
        const spoiler = new Database(app.database);
        spoiler.exec("DROP TABLE inventory_alerts__1");
        spoiler.close();
        await app.post({ command: "receive", sku: "tea", quantity: 9 });
        await app.post({ command: "reserve", sku: "tea", quantity: 20 });
        assert.deepEqual((await app.get("/inventory?atLeast=2")).body.items[0]?.onHand, 9);
        assert.equal((await app.get("/inventory/statistics?atLeast=2")).body.unitsOnHand, 9);
        assert.equal((await app.get("/inventory/alerts")).status, 500);
        const lines = (kind) => app.lines.filter((line) => line["kind"] === kind);
        const [registered, , refused] = lines("command");
        const { time, durationMs, correlationId, ...fields } = registered ?? {};
        assert.deepEqual([typeof time, typeof durationMs, typeof correlationId], ["string", "number", "string"]);
        assert.deepEqual(fields, {
            level: "info",
            kind: "command",
            command: "register",
            sku: "tea",
            revision: 0,
            position: 1,
            status: 201,
        });
        assert.deepEqual([refused?.["status"], refused?.["code"]], [422, "insufficient_stock"]);
        const batches = lines("projection").map(({ projection, events, position }) => `${String(projection)} ${String(events)} ${String(position)}`);
        assert.ok(batches.includes("inventory-list 1 2") && batches.includes("inventory-statistics 1 2"), batches.join("\n"));
        const problems = lines("problem").filter(({ projection }) => projection === "inventory-alerts");
        assert.ok(problems.length > 0 && problems.every(({ error }) => String(error).includes("no such table")));
        assert.ok(!batches.includes("inventory-alerts 1 2"));
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
test("inventory: the program serves, and shuts down gracefully", async () => {
    const env_5 = { stack: [], error: void 0, hasError: false };
    try {
        const server = __addDisposableResource(env_5, await TestServer.start(), true);
        const main = fileURLToPath(new URL("../../examples/inventory/main.js", import.meta.url));
        const child = spawn(process.execPath, [main, "--endpoint", server.endpoint, "--listen", "127.0.0.1:0"], {
            stdio: ["ignore", "pipe", "inherit"],
        });
        const lines = [];
        const listening = new Promise((resolve) => {
            createInterface({ input: child.stdout }).on("line", (line) => {
                const parsed = JSON.parse(line);
                lines.push(parsed);
                if (typeof parsed["listening"] === "string")
                    resolve(parsed["listening"]);
            });
        });
        const url = await listening;
        const posted = await fetch(`${url}/inventory`, {
            method: "POST",
            body: JSON.stringify({ command: "register", sku: "tea", name: "Tea" }),
        });
        assert.equal(posted.status, 201);
        const listed = await fetch(`${url}/inventory?atLeast=1`);
        assert.equal((await listed.json()).items.length, 1);
        const ended = once(child, "close");
        child.kill("SIGTERM");
        assert.deepEqual(await ended, [0, null]);
        assert.equal(lines.at(-1)?.["stopped"], true);
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
//# sourceMappingURL=inventory.test.js.map