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
 * Measures how many events per second this client appends and reads: `npm run bench [-- EVENTS]`, against a server
 * that it starts on the embedded engine, or against ANNALS_ENDPOINT.
 */
import { Client, newEvent } from "../src/index.js";
import { TestServer } from "../src/testing/index.js";
const EVENTS = Number(process.argv[2] ?? 200_000);
const BATCH = 100;
/** 256 bytes of JSON. */
const DATA = Buffer.from(JSON.stringify("A".repeat(254)));
/** Prints the wall-clock rate, and this process's CPU time per event, which is less sensitive to other load. */
async function timed(what, body) {
    const [begun, before] = [performance.now(), process.cpuUsage()];
    const events = await body();
    const rate = Math.round(events / ((performance.now() - begun) / 1_000));
    const { user, system } = process.cpuUsage(before);
    const cpu = ((user + system) / events).toFixed(1);
    console.log(`${what.padEnd(34)} ${events.toLocaleString("en").padStart(9)} events ` +
        `${rate.toLocaleString("en").padStart(9)} events/s ${cpu.padStart(6)} µs CPU/event`);
}
const batch = () => Array.from({ length: BATCH }, () => newEvent("Measured", DATA, { tags: ["sensor:7"] }));
async function unary(client, appends, workers) {
    let left = appends;
    const work = async (stream) => {
        while (left > 0) {
            left -= 1;
            await client.append(stream, "any", batch());
        }
    };
    await Promise.all(Array.from({ length: workers }, (_, worker) => work(`unary-${worker}`)));
    return appends * BATCH;
}
async function pipeline(client, appends) {
    function* source() {
        for (let n = 0; n < appends; n += 1)
            yield { stream: `pipeline-${n % 100}`, expected: "any", events: batch() };
    }
    let events = 0;
    for await (const appended of client.appendEach(source(), { appendsMax: 64 }))
        events += appended.lastRevision - appended.firstRevision + 1;
    return events;
}
async function subscribed(client) {
    let events = 0;
    for await (const item of client.subscribeAll()) {
        if (item.kind === "event")
            events += 1;
        else if (item.kind === "caught-up")
            break;
    }
    return events;
}
async function read(client) {
    let last = 0;
    for await (const event of client.readAll())
        last = event.position;
    return last;
}
async function main() {
    const env_1 = { stack: [], error: void 0, hasError: false };
    try {
        const given = process.env["ANNALS_ENDPOINT"];
        const server = __addDisposableResource(env_1, given === undefined ? await TestServer.start({ engine: "embedded" }) : undefined, true);
        const client = __addDisposableResource(env_1, new Client(given ?? server?.endpoint ?? []), false);
        await unary(client, 50, 4);
        await timed(`append of ${BATCH}, one after the other`, () => unary(client, EVENTS / BATCH / 4, 1));
        await timed(`append of ${BATCH}, 16 at once`, () => unary(client, EVENTS / BATCH, 16));
        await timed(`append of ${BATCH}, appendEach`, () => pipeline(client, EVENTS / BATCH));
        for (let round = 0; round < 3; round += 1)
            await timed("read all", () => read(client));
        await timed("subscribe to all until caught up", () => subscribed(client));
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
await main();
//# sourceMappingURL=throughput.js.map