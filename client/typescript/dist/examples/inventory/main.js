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
 * The inventory as a program: `node dist/examples/inventory/main.js [--endpoint URI] [--listen HOST:PORT] [--database
 * FILE]`. It logs to standard output, and shuts down gracefully on SIGINT and SIGTERM.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Client } from "annals-client";
import { serve } from "./http.js";
import { Inventory } from "./inventory.js";
import { logTo } from "./log.js";
async function main() {
    const { values } = parseArgs({
        options: { endpoint: { type: "string" }, listen: { type: "string" }, database: { type: "string" } },
    });
    const log = logTo((line) => process.stdout.write(line));
    // Without a given file, the read models are rebuilt from the log at every start.
    const given = values.database ?? process.env["INVENTORY_DATABASE"];
    const folder = given === undefined ? mkdtempSync(join(tmpdir(), "annals-inventory-")) : undefined;
    const { hostname, port } = new URL(`http://${values.listen ?? process.env["INVENTORY_LISTEN"] ?? "127.0.0.1:8080"}`);
    const client = new Client(values.endpoint ?? process.env["ANNALS_ENDPOINT"] ?? "http://127.0.0.1:2113");
    try {
        const env_1 = { stack: [], error: void 0, hasError: false };
        try {
            const inventory = __addDisposableResource(env_1, new Inventory(client, given ?? join(folder ?? ".", "inventory.db"), log), true);
            const server = serve(inventory, log);
            server.listen(Number(port === "" ? 80 : port), hostname.replace(/^\[|\]$/g, ""));
            await once(server, "listening");
            const { address, port: bound } = server.address();
            log("server", { listening: `http://${address.includes(":") ? `[${address}]` : address}:${bound}` });
            await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
            const closed = once(server, "close");
            server.close();
            server.closeIdleConnections();
            await closed;
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
    }
    finally {
        client.close();
        if (folder !== undefined) {
            rmSync(folder, { recursive: true });
        }
    }
    log("server", { stopped: true });
}
await main();
//# sourceMappingURL=main.js.map