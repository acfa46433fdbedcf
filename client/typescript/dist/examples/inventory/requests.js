import { receive, register, release, reserve, ship } from "./item.js";
/** A field of the request is missing or invalid. */
export class InvalidRequest extends Error {
    field;
    constructor(field, message) {
        super(message);
        this.field = field;
    }
}
const QUANTITY_MAX = 1_000_000;
const NAME_LENGTH_MAX = 200;
const PAGE_ITEMS = { least: 1, unlessGiven: 100, most: 500 };
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ON_UNITS = { receive, reserve, release, ship };
/** Parses the command in the body of a request. */
export function parseCommand(text) {
    const body = parseObject(text);
    const name = body["command"];
    if (name === "register") {
        const sku = parseSku(body["sku"]);
        return {
            name,
            sku,
            decide: register(sku, parseName(body["name"]), whole("lowStockThreshold", body["lowStockThreshold"] ?? 0, 0, QUANTITY_MAX)),
        };
    }
    if (typeof name !== "string" || !isOnUnits(name)) {
        throw new InvalidRequest("command", `command must be one of register, ${Object.keys(ON_UNITS).join(", ")}`);
    }
    const sku = parseSku(body["sku"]);
    return { name, sku, decide: ON_UNITS[name](sku, whole("quantity", body["quantity"], 1, QUANTITY_MAX)) };
}
/** Parses the id of a command, if one is given, with which the command can be retried. */
export function parseIdempotencyKey(given) {
    if (given !== undefined && !UUID.test(given)) {
        throw new InvalidRequest("Idempotency-Key", "Idempotency-Key must be a UUID");
    }
    return given;
}
/** Parses which page of the list is requested. */
export function parseListQuery(parameters) {
    const below = parameters.get("belowThreshold") ?? "false";
    if (below !== "true" && below !== "false") {
        throw new InvalidRequest("belowThreshold", "belowThreshold must be true or false");
    }
    return {
        search: parameters.get("search") ?? undefined,
        belowThreshold: below === "true",
        limit: wholeText("limit", parameters.get("limit") ?? String(PAGE_ITEMS.unlessGiven), PAGE_ITEMS.least, PAGE_ITEMS.most),
        after: parameters.get("after") ?? "",
    };
}
/** Parses the position that the response must include; 0 if none is given. */
export function parsePosition(header, parameters) {
    const parameter = parameters.get("atLeast");
    if (parameter !== null) {
        return wholeText("atLeast", parameter, 0, Number.MAX_SAFE_INTEGER);
    }
    return header === undefined ? 0 : wholeText("X-Annals-Position", header, 0, Number.MAX_SAFE_INTEGER);
}
function parseObject(text) {
    let value;
    try {
        value = JSON.parse(text);
    }
    catch {
        throw new InvalidRequest("body", "the body must be JSON");
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
        throw new InvalidRequest("body", "the body must be a JSON object");
    }
    return value;
}
function parseSku(value) {
    if (typeof value !== "string" || !/^[A-Za-z0-9._-]{1,64}$/.test(value)) {
        throw new InvalidRequest("sku", "sku must be 1 to 64 letters, digits, dots, hyphens and underscores");
    }
    return value;
}
function parseName(value) {
    if (typeof value !== "string" || value.trim() === "" || value.length > NAME_LENGTH_MAX) {
        throw new InvalidRequest("name", `name must be text of 1 to ${NAME_LENGTH_MAX} characters`);
    }
    return value;
}
function whole(field, value, least, most) {
    if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
        throw new InvalidRequest(field, `${field} must be a whole number from ${least} to ${most}`);
    }
    return value;
}
function wholeText(field, text, least, most) {
    return whole(field, /^\d+$/.test(text) ? Number(text) : undefined, least, most);
}
function isOnUnits(name) {
    return Object.hasOwn(ON_UNITS, name);
}
//# sourceMappingURL=requests.js.map