/** The HTTP interface of the inventory: commands by POST, queries by GET. */
import { createServer } from "node:http";
import { AnnalsError, newId } from "annals-client";
import { inContext, ProjectionError } from "annals-client/toolkit";
import { InventoryError } from "./item.js";
import { alerts, inventoryAlerts } from "./projections/alerts.js";
import { inventoryList, listItems } from "./projections/list.js";
import { inventoryStatistics, statistics } from "./projections/statistics.js";
import { InvalidRequest, parseCommand, parseIdempotencyKey, parseListQuery, parsePosition } from "./requests.js";
const BODY_BYTES_MAX = 64 * 1_024;
const STATUS_OF = {
    item_exists: 409,
    item_not_found: 422,
    insufficient_stock: 422,
    not_reserved: 422,
};
/** Creates an HTTP server for an inventory. It does not listen yet. */
export function serve(inventory, log) {
    return createServer((request, response) => {
        void answer(inventory, log, request).then((reply) => {
            send(response, reply);
        });
    });
}
async function answer(inventory, log, request) {
    try {
        const url = urlOf(request);
        switch (url.pathname) {
            case "/inventory":
                if (request.method === "POST") {
                    return await command(inventory, log, request);
                }
                return await query(request, (position) => inventory.ask(inventoryList.name, position, (database) => listItems(database, parseListQuery(url.searchParams))), url);
            case "/inventory/statistics":
                return await query(request, (position) => inventory.ask(inventoryStatistics.name, position, statistics), url);
            case "/inventory/alerts":
                return await query(request, (position) => inventory.ask(inventoryAlerts.name, position, (database) => ({ alerts: alerts(database) })), url);
            default:
                return refusal(404, "not_found", `unknown path ${url.pathname}`);
        }
    }
    catch (error) {
        return failure(error, log);
    }
}
async function query(request, ask, url) {
    if (request.method !== "GET") {
        return refusal(405, "method_not_allowed", `${url.pathname} does not support ${request.method ?? "this method"}`);
    }
    const { found, position } = await ask(parsePosition(header(request, "x-annals-position"), url.searchParams));
    return { status: 200, body: found, headers: { "X-Annals-Position": String(position) } };
}
async function command(inventory, log, request) {
    const begun = performance.now();
    const [traceparent, tracestate, userId] = ["traceparent", "tracestate", "x-user-id"].map((name) => header(request, name));
    const correlationId = newId();
    const context = {
        correlationId,
        ...(traceparent !== undefined && { traceparent }),
        ...(tracestate !== undefined && { tracestate }),
        ...(userId !== undefined && { userId }),
    };
    const logged = {};
    let reply;
    try {
        const asked = parseCommand(await bodyOf(request));
        Object.assign(logged, { command: asked.name, sku: asked.sku });
        const commandId = parseIdempotencyKey(header(request, "idempotency-key"));
        const { revision, position, alreadyExecuted } = await inContext(context, () => inventory.execute(asked, commandId));
        Object.assign(logged, { revision, position, ...(alreadyExecuted && { alreadyExecuted }) });
        reply = { status: asked.name === "register" ? 201 : 200, body: { sku: asked.sku, revision, position } };
    }
    catch (error) {
        reply = failure(error, log);
        Object.assign(logged, reply.body.error);
    }
    const durationMs = Math.round(performance.now() - begun);
    log("command", { ...logged, status: reply.status, durationMs, correlationId });
    return reply;
}
function failure(error, log) {
    if (error instanceof InvalidRequest) {
        return refusal(400, "invalid", error.message, error.field);
    }
    if (error instanceof InventoryError) {
        return refusal(STATUS_OF[error.code], error.code, error.message);
    }
    if (error instanceof ProjectionError) {
        return refusal(503, "not_caught_up", error.message);
    }
    if (error instanceof AnnalsError && error.conflict) {
        return refusal(409, "conflict", "other clients keep changing the item; try again");
    }
    if (error instanceof AnnalsError && error.retryable) {
        return refusal(503, "unavailable", "the event store is not reachable; try again");
    }
    log("problem", { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    return refusal(500, "internal", "internal error; see the log");
}
function refusal(status, code, message, field) {
    return { status, body: { error: { code, message, ...(field !== undefined && { field }) } } };
}
function urlOf({ url = "/" }) {
    const whole = `http://inventory${url}`;
    if (!url.startsWith("/") || !URL.canParse(whole)) {
        throw new InvalidRequest("path", "the path is not a valid URL path");
    }
    return new URL(whole);
}
async function bodyOf(request) {
    const chunks = [];
    let bytes = 0;
    for await (const chunk of request) {
        bytes += chunk.length;
        // A body that is too large is still read to its end: a client that is cut off while sending gets no response.
        if (bytes <= BODY_BYTES_MAX) {
            chunks.push(chunk);
        }
    }
    if (bytes > BODY_BYTES_MAX) {
        throw new InvalidRequest("body", `the body must be at most ${BODY_BYTES_MAX} bytes`);
    }
    return Buffer.concat(chunks).toString("utf8");
}
function header(request, name) {
    const value = request.headers[name];
    return Array.isArray(value) ? value[0] : value;
}
function send(response, { status, body, headers }) {
    const text = JSON.stringify(body);
    response.writeHead(status, {
        "Content-Type": "application/json",
        "Content-Length": String(Buffer.byteLength(text)),
        ...headers,
    });
    response.end(text);
}
//# sourceMappingURL=http.js.map