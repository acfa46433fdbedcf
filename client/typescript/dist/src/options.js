/** Options of a client, and their defaults. */
import { readFileSync } from "node:fs";
import { toMilliseconds } from "./duration.js";
import { parseEndpoint } from "./endpoint.js";
import { InvalidEndpointError } from "./errors.js";
/** With a shorter timeout a busy server would be taken for a dead one. */
const KEEPALIVE_TIMEOUT_MS_MIN = 100;
/** Fills in defaults. Throws an InvalidEndpointError or an InvalidFieldError. */
export function resolveOptions(given) {
    const options = isOptions(given) ? given : { endpoints: given };
    const names = typeof options.endpoints === "string" ? [options.endpoints] : [...options.endpoints];
    if (names.length === 0) {
        throw new InvalidEndpointError("", 'endpoint "" is missing; name at least one');
    }
    const endpoints = names.map(parseEndpoint);
    if (options.shuffleEndpoints ?? true) {
        shuffle(endpoints);
    }
    return {
        endpoints,
        timeoutMs: options.timeoutMs ?? 10_000,
        returnAfterMs: options.returnAfterMs ?? 10_000,
        keepaliveTimeoutMs: Math.max(toMilliseconds(options.keepaliveTimeout ?? { seconds: 5 }, "keepaliveTimeout"), KEEPALIVE_TIMEOUT_MS_MIN),
        retry: {
            pauseFirstMs: options.retry?.pauseFirstMs ?? 50,
            pauseMaxMs: options.retry?.pauseMaxMs ?? 2_000,
            triesMax: options.retry?.triesMax ?? Number.POSITIVE_INFINITY,
        },
        tls: options.tls ?? {},
    };
}
/** Returns PEM as bytes. */
export function pem(given) {
    if (given === undefined) {
        return null;
    }
    return given instanceof URL ? readFileSync(given) : Buffer.from(given);
}
function isOptions(given) {
    return typeof given === "object" && "endpoints" in given;
}
function shuffle(list) {
    for (let last = list.length - 1; last > 0; last -= 1) {
        const drawn = Math.floor(Math.random() * (last + 1));
        [list[last], list[drawn]] = [list[drawn], list[last]];
    }
}
//# sourceMappingURL=options.js.map