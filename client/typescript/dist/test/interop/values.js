/** Creates language-specific values from descriptions in the interoperability cases. */
import { RecordedEvent, Timestamp } from "../../src/index.js";
/** Functions that create a value, by the name in its description. */
const KINDS = {
    number: (given) => Number(given),
    integer: (given) => BigInt(given),
    json: (given) => decoded(given),
    string: (given) => String.fromCharCode(...(given.match(/.{4}/g) ?? []).map((unit) => parseInt(unit, 16))),
    bytes: (given) => new Uint8Array(Buffer.from(given, "hex")),
    float64s: (given) => Float64Array.from(given),
    date: (given) => new Date(Math.floor(given / 1_000)),
    undefined: () => undefined,
    object: (given) => Object.fromEntries(Object.entries(given).map(([name, value]) => [name, makeValue(value)])),
    nested: (given) => nested(given),
};
/** Creates the described value. */
export function makeValue(description) {
    const [[kind, given] = ["nothing", undefined], ...more] = Object.entries(description);
    const make = KINDS[kind];
    if (make === undefined || more.length > 0)
        throw new TypeError(`unknown: a value of ${kind}`);
    return make(given);
}
/** Decodes JSON like the client. */
function decoded(json) {
    return new RecordedEvent("", "", 0, 1, "Odd", Buffer.from(json), new Uint8Array(), [], Timestamp.now()).json();
}
function nested(levels) {
    let value = [];
    for (let level = 1; level < levels; level += 1)
        value = [value];
    return value;
}
//# sourceMappingURL=values.js.map