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
import { SqliteStore } from "annals-client/sqlite";
import { Projections, Repository } from "annals-client/toolkit";
import { listed, openList, orderList } from "./list.js";
import { demandCreated, order } from "./order.js";
/** Orders in a store. */
export class Orders {
    client;
    database;
    #repository;
    /** @param database The database file of the list, or `:memory:`. */
    constructor(client, database) {
        this.client = client;
        this.database = database;
        this.#repository = new Repository(client, order);
    }
    /** Executes a command on an order. Fails with an OrderError if a rule forbids it. */
    async execute(orderId, decide) {
        const { revision, position } = await this.#repository.execute(orderId, decide);
        return { orderId, revision, position };
    }
    /** Returns the current state of an order, or its state at a time. */
    async show(orderId, asOf) {
        const { state } = await this.#repository.load(orderId, pastOf(asOf));
        demandCreated(orderId, state.status);
        return state;
    }
    /** Returns the events of an order, until now or until a time. */
    async history(orderId, asOf) {
        await this.show(orderId, asOf);
        const events = await this.client.readStream(order.stream(orderId), pastOf(asOf)).toArray();
        return events.map((event) => ({
            revision: event.revision,
            type: event.type,
            recordedAt: event.recordedAt.toString(),
            data: dataOf(event),
        }));
    }
    /** Returns all orders from the read model, once that has reached the current head of the log. */
    async list(status) {
        const { head } = await this.client.serverInfo();
        const database = openList(this.database);
        try {
            const env_1 = { stack: [], error: void 0, hasError: false };
            try {
                const projections = __addDisposableResource(env_1, new Projections(this.client, new SqliteStore(database), [orderList]), true);
                await projections.waitFor(head, { timeoutMs: 60_000 });
                return listed(database, status);
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
            database.close();
        }
    }
    /** Waits for snapshots that are being saved in the background. */
    async settled() {
        await this.#repository.settled();
    }
}
function pastOf(asOf) {
    return asOf === undefined ? {} : { untilTime: asOf };
}
function dataOf(event) {
    return event.data.length === 0 ? {} : event.json();
}
//# sourceMappingURL=orders.js.map