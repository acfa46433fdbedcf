/** Parses the command line. Throws a UsageError that explains the problem. */
import { parseArgs } from "node:util";
import { Timestamp } from "annals-client";
import { STATUSES } from "./order.js";
export const USAGE = `usage: orders COMMAND [--endpoint URI] [--database FILE]
  create ID --customer C
  add-item ID SKU QUANTITY UNIT_PRICE_CENTS
  confirm ID
  ship ID --carrier C --tracking T
  deliver ID
  cancel ID --reason R
  show ID [--as-of RFC3339]      the state of an order, now or at a time
  history ID [--as-of RFC3339]   its events
  list [--status ${STATUSES.join("|")}]
  demo                           the life cycle of an order`;
/** The arguments are invalid. */
export class UsageError extends Error {
}
const OPTIONS = {
    endpoint: { type: "string" },
    database: { type: "string" },
    customer: { type: "string" },
    carrier: { type: "string" },
    tracking: { type: "string" },
    reason: { type: "string" },
    "as-of": { type: "string" },
    status: { type: "string" },
};
/** Parses the arguments. Options that are not given come from the environment. */
export function parse(args, environment) {
    const { values, positionals } = attempt(() => parseArgs({ args, options: OPTIONS, allowPositionals: true, strict: true }));
    const [verb = "", ...rest] = positionals;
    return {
        task: parseTask(verb, rest, values),
        endpoint: values.endpoint ?? environment["ANNALS_ENDPOINT"] ?? "http://127.0.0.1:2113",
        database: values.database ?? environment["ORDERS_DATABASE"],
    };
}
function parseTask(verb, rest, options) {
    switch (verb) {
        case "create":
            return { verb, id: only(rest, "ID"), customer: need(options, "customer") };
        case "add-item": {
            const [id, sku, quantity, unitPriceCents] = exactly(rest, ["ID", "SKU", "QUANTITY", "UNIT_PRICE_CENTS"]);
            return {
                verb,
                id,
                sku,
                quantity: whole(quantity, "QUANTITY"),
                unitPriceCents: whole(unitPriceCents, "UNIT_PRICE_CENTS"),
            };
        }
        case "confirm":
        case "deliver":
            return { verb, id: only(rest, "ID") };
        case "ship":
            return { verb, id: only(rest, "ID"), carrier: need(options, "carrier"), tracking: need(options, "tracking") };
        case "cancel":
            return { verb, id: only(rest, "ID"), reason: need(options, "reason") };
        case "show":
        case "history":
            return {
                verb,
                id: only(rest, "ID"),
                asOf: options["as-of"] === undefined ? undefined : attempt(() => Timestamp.from(options["as-of"] ?? "")),
            };
        case "list":
            exactly(rest, []);
            return { verb, status: options.status === undefined ? undefined : statusOf(options.status) };
        case "demo":
            exactly(rest, []);
            return { verb };
        default:
            throw new UsageError(verb === "" ? "a command is missing" : `unknown command ${verb}`);
    }
}
function statusOf(text) {
    const status = STATUSES.find((one) => one === text);
    if (status === undefined) {
        throw new UsageError(`--status must be one of ${STATUSES.join(", ")}, not ${text}`);
    }
    return status;
}
function whole(text, name) {
    if (!/^-?\d+$/.test(text)) {
        throw new UsageError(`${name} must be a whole number, not ${text}`);
    }
    return Number(text);
}
function need(options, name) {
    const value = options[name];
    if (value === undefined) {
        throw new UsageError(`--${name} is missing`);
    }
    return value;
}
function only(given, name) {
    return exactly(given, [name])[0];
}
function exactly(given, names) {
    if (given.length !== names.length || given.includes("")) {
        throw new UsageError(names.length === 0 ? `unexpected arguments: ${given.join(" ")}` : `${names.join(" ")} must be given`);
    }
    return given;
}
function attempt(body) {
    try {
        return body();
    }
    catch (error) {
        throw new UsageError(error instanceof Error ? error.message : String(error));
    }
}
//# sourceMappingURL=commandline.js.map