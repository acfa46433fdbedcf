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
/** Tests of endpoints that answer, but not in gRPC. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { Client, newEvent } from "../../src/index.js";
import { TestServer } from "../../src/testing/index.js";
/** Asserts that every kind of call to the endpoint fails with an InvalidEndpointError. */
async function assertRefused(endpoint) {
    const env_1 = { stack: [], error: void 0, hasError: false };
    try {
        const refusal = {
            name: "InvalidEndpointError",
            endpoint,
            message: `${JSON.stringify(endpoint)} answers HTTP/1.1: it is the port for health and metrics; gRPC listens ` +
                "on another port (2113 by default)",
        };
        const client = __addDisposableResource(env_1, new Client(endpoint), false);
        await assert.rejects(client.serverInfo(), refusal);
        await assert.rejects(client.append("order-1", "any", [newEvent("OrderPlaced")]), refusal);
        await assert.rejects(client.readAll().toArray(), refusal);
        await assert.rejects(client.subscribeAll().batches().next(), refusal);
        await assert.rejects(client.appendPipeline().append("order-1", "any", [newEvent("OrderPlaced")]), refusal);
    }
    catch (e_1) {
        env_1.error = e_1;
        env_1.hasError = true;
    }
    finally {
        __disposeResources(env_1);
    }
}
test("the port for health and metrics is reported as such at once", async () => {
    const env_2 = { stack: [], error: void 0, hasError: false };
    try {
        const server = __addDisposableResource(env_2, await TestServer.start(), true);
        await assertRefused(server.httpEndpoint);
        await assertRefused(server.httpEndpoint.replace("http:", "https:"));
        assert.equal((await server.client().serverInfo()).engine, "memory");
    }
    catch (e_2) {
        env_2.error = e_2;
        env_2.hasError = true;
    }
    finally {
        const result_1 = __disposeResources(env_2);
        if (result_1)
            await result_1;
    }
});
test("a server that answers only HTTP/1.1 is reported as such", async () => {
    const server = createServer((_, response) => response.end("hello"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
        await assertRefused(`http://127.0.0.1:${server.address().port}`);
    }
    finally {
        server.close();
    }
});
test("a client fails over to an endpoint that speaks gRPC", async () => {
    const env_3 = { stack: [], error: void 0, hasError: false };
    try {
        const server = __addDisposableResource(env_3, await TestServer.start(), true);
        const client = __addDisposableResource(env_3, new Client({ endpoints: [server.httpEndpoint, server.endpoint], shuffleEndpoints: false }), false);
        await assert.rejects(client.serverInfo(), { name: "InvalidEndpointError" });
        assert.equal((await client.serverInfo()).engine, "memory");
    }
    catch (e_3) {
        env_3.error = e_3;
        env_3.hasError = true;
    }
    finally {
        const result_2 = __disposeResources(env_3);
        if (result_2)
            await result_2;
    }
});
//# sourceMappingURL=endpoints.test.js.map