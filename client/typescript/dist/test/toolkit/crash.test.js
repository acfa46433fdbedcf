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
 * Crash tests: kills the server and the projection with SIGKILL at random moments. The read model must equal the log,
 * with no event applied twice or skipped. `ANNALS_CRASH_ROUNDS` sets the number of kills; 50 demonstrate the
 * toolkit's guarantees.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { TestServer } from "../../src/testing/index.js";
import { waitForProjection } from "../../src/toolkit/index.js";
import { PostgresStore } from "../../src/toolkit/postgres.js";
import { SqliteStore } from "../../src/toolkit/sqlite.js";
import { seeded } from "../random.js";
import { orders } from "./orders.js";
import { openSqlite, postgres } from "./stores.js";
const ROUNDS = Number(process.env["ANNALS_CRASH_ROUNDS"] ?? 6);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
function projector(server, kind, where) {
    return spawn(process.execPath, [fileURLToPath(new URL("projector.js", import.meta.url)), server.endpoint, kind, where], { stdio: "inherit" });
}
async function kill(child) {
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
}
/** Appends until `over` returns true; returns the position of the last event. */
async function append(client, over) {
    let last = 0;
    for (let n = 0; !over(); n += 1) {
        const events = Array.from({ length: 1 + (n % 20) }, (_, i) => orders.encode({ type: "ItemAdded", data: { item: "tea", cents: 1 + ((n + i) % 9) } }));
        ({ lastPosition: last } = await client.append(`order-${n % 13}`, "any", events));
        await pause(15);
    }
    return last;
}
/**
 * Kills server or projection in turn while events are appended; returns the position of the last. The projection is
 * running at the end.
 */
async function torment(server, client, random, kind, where) {
    let over = false;
    const appended = append(client, () => over);
    let running = projector(server, kind, where);
    for (let round = 0; round < ROUNDS; round += 1) {
        await pause(random() * 800);
        if (random() < 0.5) {
            await server.kill();
            await server.start();
        }
        else {
            await kill(running);
            running = projector(server, kind, where);
        }
    }
    over = true;
    children.push(running);
    return appended;
}
const children = [];
/** Computes the expected totals from the log. */
async function fromLog(client) {
    const sums = {};
    for await (const event of client.readAll()) {
        sums[event.stream] = (sums[event.stream] ?? 0) + event.json().cents;
    }
    return sums;
}
test("sqlite: the read model equals the log after random kills", async (context) => {
    const env_1 = { stack: [], error: void 0, hasError: false };
    try {
        const server = __addDisposableResource(env_1, await TestServer.start({ engine: "embedded" }), true);
        const client = server.client({ timeoutMs: 60_000 });
        const folder = await mkdtemp(join(tmpdir(), "annals-crash-"));
        const path = join(folder, "read-model.db");
        try {
            const last = await torment(server, client, seeded(context), "sqlite", path);
            const database = openSqlite(path);
            await waitForProjection(new SqliteStore(database), "totals", last, { timeoutMs: 60_000 });
            const rows = database.prepare("SELECT stream, cents FROM totals").all();
            assert.deepEqual(Object.fromEntries(rows.map(({ stream, cents }) => [stream, cents])), await fromLog(client));
            database.close();
        }
        finally {
            await Promise.all(children.splice(0).map(kill));
            await rm(folder, { recursive: true, force: true });
        }
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
test("postgres: the read model equals the log after random kills", async (context) => {
    const env_2 = { stack: [], error: void 0, hasError: false };
    try {
        const opened = await postgres();
        if (opened === undefined) {
            context.skip("no PostgreSQL is installed");
            return;
        }
        const kind = __addDisposableResource(env_2, opened, true);
        const server = __addDisposableResource(env_2, await TestServer.start({ engine: "embedded" }), true);
        const client = server.client({ timeoutMs: 60_000 });
        try {
            const last = await torment(server, client, seeded(context), "postgres", JSON.stringify(kind.connection));
            assert.ok(kind.store instanceof PostgresStore);
            await waitForProjection(kind.store, "totals", last, { timeoutMs: 60_000 });
            assert.deepEqual(await kind.totals(), await fromLog(client));
        }
        finally {
            await Promise.all(children.splice(0).map(kill));
        }
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
//# sourceMappingURL=crash.test.js.map