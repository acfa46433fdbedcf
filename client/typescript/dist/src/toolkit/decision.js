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
import { itemsOf, matches } from "../query.js";
import { Command } from "./command.js";
import { retryConflicts } from "./conflict.js";
import { SchemaError } from "./schema.js";
/**
 * Decides on facts: reads the events that they are built from, decides, and appends the events of the decision if no
 * new event matches since the read. Otherwise it reads and decides again. A command with an id is executed once,
 * however often it is called.
 *
 * @throws The error that `decide` throws; ChecksFailedError after as many conflicts as the policy allows.
 *
 * @example
 * await decideOn(client, schema, {
 *   course: {
 *     query: { types: ["CourseDefined"], tags: ["course:c1"] },
 *     initial: () => 0,
 *     evolve: { CourseDefined: (_, { seats }) => seats },
 *   },
 *   taken: {
 *     query: { types: ["Enrolled"], tags: ["course:c1"] },
 *     initial: () => 0,
 *     evolve: { Enrolled: (taken) => taken + 1 },
 *   },
 * }, ({ course, taken }) => {
 *   if (taken >= course) throw new Error("the course is full");
 *   return [{ stream: "course-c1", type: "Enrolled", data: { student: "s1" }, tags: ["course:c1", "student:s1"] }];
 * });
 */
export function decideOn(client, schema, models, decide, options = {}) {
    const command = new Command(options.commandId, "");
    const facts = Object.values(models).flatMap((model) => itemsOf(model.query));
    // The query includes the command's own events: if one is read, the command was already executed; if one is appended
    // concurrently, the check fails.
    const query = command.tag === undefined ? facts : [...facts, { tags: [command.tag] }];
    const decideOnce = async () => {
        const env_1 = { stack: [], error: void 0, hasError: false };
        try {
            const read = __addDisposableResource(env_1, client.readAll({ ...options, query }), false);
            const { head } = await read.begin();
            const soFar = new FactsSoFar(models);
            let earlier;
            for await (const event of read) {
                if (command.ledTo(event)) {
                    earlier = event;
                    continue;
                }
                const decoded = schema.decode(event);
                if (decoded === undefined) {
                    throw new SchemaError(`event type ${JSON.stringify(event.type)} at position ${event.position} matches the query, but is not ` +
                        "in the schema");
                }
                soFar.take(decoded, event);
            }
            if (earlier !== undefined) {
                return { events: [], appended: undefined, position: earlier.position, alreadyExecuted: true };
            }
            const events = await decide(soFar.facts);
            if (events.length === 0) {
                return { events, appended: undefined, position: undefined, alreadyExecuted: false };
            }
            const metadata = options.metadata === undefined ? {} : { metadata: options.metadata };
            const writes = events.map((event, n) => ({
                stream: event.stream,
                events: [schema.encode(event, { ...command.encoding(n), ...metadata })],
            }));
            const appended = await client.appendToMany(writes, [{ noMatch: query, after: head }], options);
            return { events, appended, position: appended.lastPosition, alreadyExecuted: false };
        }
        catch (e_1) {
            env_1.error = e_1;
            env_1.hasError = true;
        }
        finally {
            __disposeResources(env_1);
        }
    };
    return command.run(() => retryConflicts(options.conflicts ?? {}, options.signal, decideOnce));
}
/** Facts, built from events. Needs no store. */
export class FactsSoFar {
    models;
    #states = new Map();
    constructor(models) {
        this.models = models;
        for (const [name, model] of Object.entries(models)) {
            this.#states.set(name, model.initial());
        }
    }
    /** The current facts. */
    get facts() {
        return Object.fromEntries(this.#states);
    }
    /**
     * Updates the facts with an event. `recorded` is what the queries match, with the type under which it was recorded.
     */
    take(event, recorded) {
        for (const [name, model] of Object.entries(this.models)) {
            const evolve = model.evolve[event.type];
            if (evolve !== undefined && matches(model.query, recorded)) {
                this.#states.set(name, evolve(this.#states.get(name), event.data, event));
            }
        }
    }
}
//# sourceMappingURL=decision.js.map