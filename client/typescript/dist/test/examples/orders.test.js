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
/** Tests of the Orders example: its rules without a server, and its command line against one. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { given, TestServer } from "annals-client/testing";
import { addItem, cancel, confirm, create, deliver, order, ship } from "../../examples/orders/order.js";
const created = { type: "OrderCreated", data: { orderId: "o1", customerId: "c1" } };
const tea = { sku: "tea", quantity: 2, unitPriceCents: 450 };
const added = { type: "OrderItemAdded", data: tea };
const confirmed = { type: "OrderConfirmed", data: { totalCents: 900 } };
const shipped = { type: "OrderShipped", data: { carrier: "post", trackingNumber: "T-1" } };
const delivered = { type: "OrderDelivered", data: {} };
const cancelled = { type: "OrderCancelled", data: { reason: "changed my mind" } };
const UNTIL = {
    nothing: [],
    created: [created],
    open: [created, added],
    confirmed: [created, added, confirmed],
    shipped: [created, added, confirmed, shipped],
    delivered: [created, added, confirmed, shipped, delivered],
    cancelled: [created, added, cancelled],
};
const COMMANDS = {
    create: { decide: create("o1", "c1"), event: created },
    addItem: { decide: addItem("o1", tea), event: added },
    confirm: { decide: confirm("o1"), event: confirmed },
    ship: { decide: ship("o1", "post", "T-1"), event: shipped },
    deliver: { decide: deliver("o1"), event: delivered },
    cancel: { decide: cancel("o1", "changed my mind"), event: cancelled },
};
/** For each command and state: the code of the rule that forbids it, or "ok". */
const RULES = {
    create: {
        nothing: "ok",
        created: "order_exists",
        open: "order_exists",
        confirmed: "order_exists",
        shipped: "order_exists",
        delivered: "order_exists",
        cancelled: "order_exists",
    },
    addItem: {
        nothing: "order_not_found",
        created: "ok",
        open: "ok",
        confirmed: "order_not_open",
        shipped: "order_not_open",
        delivered: "order_not_open",
        cancelled: "order_cancelled",
    },
    confirm: {
        nothing: "order_not_found",
        created: "order_empty",
        open: "ok",
        confirmed: "order_already_confirmed",
        shipped: "order_already_confirmed",
        delivered: "order_already_confirmed",
        cancelled: "order_cancelled",
    },
    ship: {
        nothing: "order_not_found",
        created: "order_not_confirmed",
        open: "order_not_confirmed",
        confirmed: "ok",
        shipped: "order_already_shipped",
        delivered: "order_already_shipped",
        cancelled: "order_cancelled",
    },
    deliver: {
        nothing: "order_not_found",
        created: "order_not_shipped",
        open: "order_not_shipped",
        confirmed: "order_not_shipped",
        shipped: "ok",
        delivered: "order_delivered",
        cancelled: "order_cancelled",
    },
    cancel: {
        nothing: "order_not_found",
        created: "ok",
        open: "ok",
        confirmed: "ok",
        shipped: "ok",
        delivered: "order_delivered",
        cancelled: "order_cancelled",
    },
};
for (const [command, rules] of Object.entries(RULES)) {
    test(`orders: ${command} in every state`, async () => {
        const { decide, event } = COMMANDS[command];
        for (const [state, expected] of Object.entries(rules)) {
            const when = given(order, ...UNTIL[state]).when(decide);
            if (expected === "ok")
                await when.then(event);
            else
                await when.thenFails({ name: "Error", code: expected });
        }
    });
}
test("orders: quantities and prices are validated before the order is read", () => {
    for (const [change, code] of [
        [{ quantity: 0 }, "invalid_quantity"],
        [{ quantity: 1_001 }, "invalid_quantity"],
        [{ quantity: 1.5 }, "invalid_quantity"],
        [{ unitPriceCents: -1 }, "invalid_price"],
        [{ unitPriceCents: 100_000_001 }, "invalid_price"],
    ]) {
        assert.throws(() => addItem("o1", { ...tea, ...change }), { code });
    }
    assert.ok(addItem("o1", { sku: "tea", quantity: 1_000, unitPriceCents: 100_000_000 }));
});
test("orders: the state of an order is built from its events", async () => {
    const items = [tea, tea];
    await given(order, created, added)
        .when(addItem("o1", tea))
        .thenState({ orderId: "o1", customerId: "c1", status: "open", items, totalCents: 1_800 });
});
const MAIN = fileURLToPath(new URL("../../examples/orders/main.js", import.meta.url));
function orders(endpoint, database, ...args) {
    return new Promise((resolve) => {
        const env = { ...process.env, ANNALS_ENDPOINT: endpoint, ORDERS_DATABASE: database };
        execFile(process.execPath, [MAIN, ...args], { env, timeout: 120_000 }, (error, stdout, stderr) => {
            resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
        });
    });
}
test("orders: the command line, from the first command to the list", async () => {
    const env_1 = { stack: [], error: void 0, hasError: false };
    try {
        const server = __addDisposableResource(env_1, await TestServer.start(), true);
        const folder = await mkdtemp(join(tmpdir(), "annals-orders-"));
        const database = join(folder, "orders.db");
        const run = async (...args) => orders(server.endpoint, database, ...args);
        const prints = async (expected, ...args) => {
            assert.deepEqual(await run(...args), { code: 0, stdout: expected, stderr: "" }, args.join(" "));
        };
        try {
            await prints('{"orderId":"o1","revision":0,"position":1}\n', "create", "o1", "--customer", "c1");
            await prints('{"orderId":"o1","revision":1,"position":2}\n', "add-item", "o1", "tea", "2", "450");
            await prints('{"orderId":"o1","customerId":"c1","status":"open",' +
                '"items":[{"sku":"tea","quantity":2,"unitPriceCents":450}],"totalCents":900}\n', "show", "o1");
            await prints('{"orderId":"o2","revision":0,"position":3}\n', "create", "o2", "--customer", "größer");
            assert.deepEqual(await run("confirm", "o2"), {
                code: 2,
                stdout: "",
                stderr: "error: order o2 has no items; add one before you confirm it (order_empty)\n",
            });
            await prints('{"orderId":"o2","revision":1,"position":4}\n', "cancel", "o2", "--reason", "test");
            const o1 = '{"orderId":"o1","customerId":"c1","status":"open","itemCount":1,"totalCents":900}\n';
            await prints(`${o1}{"orderId":"o2","customerId":"größer","status":"cancelled","itemCount":0,"totalCents":0}\n`, "list");
            await prints(o1, "list", "--status", "open");
            await prints("", "list", "--status", "shipped");
            const history = await run("history", "o1");
            const [first, second] = history.stdout.trimEnd().split("\n");
            assert.match(first ?? "", /^\{"revision":0,"type":"OrderCreated","recordedAt":"[-\d]{10}T[:\d]{8}\.\d{6}Z",/);
            assert.match(first ?? "", /,"data":\{"orderId":"o1","customerId":"c1"\}\}$/);
            assert.match(second ?? "", /"data":\{"sku":"tea","quantity":2,"unitPriceCents":450\}\}$/);
            const { recordedAt } = JSON.parse(first ?? "");
            await prints('{"orderId":"o1","customerId":"c1","status":"open","items":[],"totalCents":0}\n', "show", "o1", "--as-of", recordedAt);
            await prints(`${first ?? ""}\n`, "history", "o1", "--as-of", recordedAt);
            const before = await run("show", "o1", "--as-of", "2001-01-01T00:00:00Z");
            assert.deepEqual(before, {
                code: 2,
                stdout: "",
                stderr: "error: order o1 does not exist; create it first (order_not_found)\n",
            });
        }
        finally {
            await rm(folder, { recursive: true });
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
test("orders: invalid arguments and an unreachable server have distinct exit codes", async () => {
    const nowhere = (...args) => orders("http://127.0.0.1:1", ":memory:", ...args);
    const [none, wrong, missing, number, status] = await Promise.all([
        nowhere(),
        nowhere("fly", "o1"),
        nowhere("create", "o1"),
        nowhere("add-item", "o1", "tea", "two", "450"),
        nowhere("list", "--status", "lost"),
    ]);
    for (const [result, said] of [
        [none, "a command is missing"],
        [wrong, "unknown command fly"],
        [missing, "--customer is missing"],
        [number, "QUANTITY must be a whole number, not two"],
        [status, "--status must be one of"],
    ]) {
        assert.equal(result.code, 2);
        assert.ok(result.stderr.startsWith(`error: ${said}`), result.stderr);
    }
    const unreachable = await nowhere("confirm", "o1");
    assert.equal(unreachable.code, 1);
    assert.match(unreachable.stderr, /^error: .*127\.0\.0\.1:1.*ECONNREFUSED/);
});
test("orders: the demo prints the life cycle of an order", async () => {
    const env_2 = { stack: [], error: void 0, hasError: false };
    try {
        const server = __addDisposableResource(env_2, await TestServer.start(), true);
        const { code, stdout, stderr } = await orders(server.endpoint, ":memory:", "demo");
        assert.deepEqual([code, stderr], [0, ""]);
        assert.match(stdout, /refused\n {2}.*\(order_not_open\)/);
        assert.match(stdout, /in the list of orders\n {2}\{.*"status":"delivered","itemCount":2,"totalCents":2100\}\n$/);
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
//# sourceMappingURL=orders.test.js.map