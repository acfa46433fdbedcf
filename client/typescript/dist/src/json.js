/**
 * JSON (RFC 8259) that decodes to the original value, or an error that names the place: no value is changed silently.
 *
 * JSON.stringify writes NaN as null, -0 as 0, a Map or an ArrayBuffer as {}, and omits functions. The rules here are:
 *
 * 1. Values that JSON can represent are written exactly, including -0 and deep nesting.
 * 2. A property that is undefined is omitted: reading it returns undefined again. In an array, undefined is rejected.
 * 3. An object with a toJSON method is written as its result. A Date is rejected although it has one: it would be
 *    read as a string, and an invalid one as null.
 * 4. An instance of a class without toJSON is written as its enumerable properties.
 * 5. Everything else is rejected: NaN, infinities, BigInt, bytes, typed arrays, Map, Set, functions, symbols, cycles,
 *    and strings with lone surrogates, which other languages can't read.
 *
 * When decoding, a number that a JavaScript number can't hold (2^53 + 1, 1e400) is an error.
 */
import { InvalidValueError, JsonError } from "./errors.js";
/** Maximum nesting depth of arrays and objects. */
const NESTING_MAX = 100_000;
/** Maximum number of path segments that an error shows. */
const PLACE_NAMES_MAX = 12;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
/**
 * Encodes a value as JSON.
 *
 * @param subject The owner of the value, for errors: `an event of type "OrderPlaced"`.
 * @param root The name of the value, for errors: `data`.
 * @throws InvalidValueError if JSON can't represent it.
 */
export function encodeJson(value, subject, root) {
    return encoder.encode(new Writer(subject, root).write(value));
}
/** Writes a value without recursion, so that nesting is limited by NESTING_MAX and not by the stack. */
class Writer {
    subject;
    root;
    #text = "";
    #open = [];
    #within = new Set();
    constructor(subject, root) {
        this.subject = subject;
        this.root = root;
    }
    write(root) {
        this.#value(this.#resolved(root, ""));
        for (let open = this.#open.at(-1); open !== undefined; open = this.#open.at(-1)) {
            if (open.next < open.length) {
                this.#member(open);
            }
            else {
                this.#text += open.keys === undefined ? "]" : "}";
                this.#within.delete(open.value);
                this.#open.pop();
            }
        }
        return this.#text;
    }
    /** Writes the next element or property. */
    #member(open) {
        const key = open.keys?.[open.next] ?? open.next;
        open.next += 1;
        const given = this.#attempt(() => open.value[key]);
        if (given === undefined && open.keys !== undefined) {
            return;
        }
        const value = this.#resolved(given, String(key));
        this.#text += open.empty ? "" : ",";
        open.empty = false;
        if (typeof key === "string") {
            this.#string(key, "has a name with a lone surrogate");
            this.#text += ":";
        }
        this.#value(value);
    }
    /** Returns the value to write in place of a value: itself, or the result of its toJSON. */
    #resolved(value, key) {
        if (typeof value !== "object" || value === null) {
            return value;
        }
        const { toJSON } = value;
        return typeof toJSON === "function" && !isBytes(value) && tagOf(value) !== "Date"
            ? this.#attempt(() => toJSON.call(value, key))
            : value;
    }
    #value(value) {
        switch (typeof value) {
            case "string":
                this.#string(value, "is text with a lone surrogate");
                return;
            case "number":
                if (!Number.isFinite(value))
                    this.#refuse(`is ${value}, which is not a JSON number; use null or text`);
                this.#text += Object.is(value, -0) ? "-0" : String(value);
                return;
            case "boolean":
                this.#text += String(value);
                return;
            case "bigint":
                return this.#refuse("is a BigInt, which would be read as a rounded number; use a number or text");
            case "undefined":
                return this.#refuse("is undefined; use null, or leave it out");
            case "object":
                if (value === null)
                    this.#text += "null";
                else
                    this.#container(value);
                return;
            default:
                return this.#refuse(`is a ${typeof value}, which has no JSON form`);
        }
    }
    #string(text, problem) {
        if (!text.isWellFormed())
            this.#refuse(`${problem}, which is not valid Unicode`);
        this.#text += JSON.stringify(text);
    }
    #container(value) {
        const array = Array.isArray(value);
        if (!array)
            this.#refuseUnlessPlain(value);
        if (this.#within.has(value))
            this.#refuse("contains itself");
        if (this.#open.length >= NESTING_MAX)
            this.#refuse(`is nested more than ${NESTING_MAX} deep`);
        const keys = array ? undefined : Object.keys(value);
        this.#within.add(value);
        this.#open.push({ value, keys, length: array ? value.length : (keys?.length ?? 0), next: 0, empty: true });
        this.#text += array ? "[" : "{";
    }
    #refuseUnlessPlain(value) {
        // A fast path for most objects: reading the tag is slower.
        const plain = Object.getPrototypeOf(value) === Object.prototype && !(Symbol.toStringTag in value);
        const tag = plain ? "Object" : tagOf(value);
        if (tag === "Date")
            this.#refuse("is a Date, which would be read as text; use its toISOString(), or a Timestamp");
        if (!plain && isBytes(value))
            this.#refuse(`is a ${tag}, which has no JSON form; use base64 text, or Array.from for numbers`);
        if (tag !== "Object")
            this.#refuse(`is a ${tag}, which has no JSON form; use a plain object or an array`);
        if (Object.getOwnPropertySymbols(value).some((symbol) => Object.prototype.propertyIsEnumerable.call(value, symbol))) {
            this.#refuse("has a property whose name is a symbol");
        }
    }
    /** Runs code of the value: a getter, or toJSON. */
    #attempt(body) {
        try {
            return body();
        }
        catch (cause) {
            return this.#refuse(`can't be read: ${String(cause)}`, cause);
        }
    }
    #refuse(problem, cause) {
        throw new InvalidValueError(this.subject, this.#place(), problem, cause === undefined ? undefined : { cause });
    }
    /** Returns the path of the value being written: `data.items[3].price`. */
    #place() {
        const names = this.#open.map(({ keys, next }) => nameOf(keys?.[next - 1] ?? next - 1));
        const half = PLACE_NAMES_MAX / 2;
        const shown = names.length <= PLACE_NAMES_MAX ? names : [...names.slice(0, half), "…", ...names.slice(-half)];
        return this.root + shown.join("");
    }
}
function nameOf(key) {
    if (typeof key === "number")
        return `[${key}]`;
    return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
/**
 * Returns the kind of an object. It works for objects from another realm (such as a test runner's), unlike
 * instanceof.
 */
function tagOf(value) {
    return Object.prototype.toString.call(value).slice("[object ".length, -1);
}
function isBytes(value) {
    return ArrayBuffer.isView(value) || /^(Shared)?ArrayBuffer$/.test(tagOf(value));
}
/**
 * Returns the bytes of a value (Uint8Array, ArrayBuffer, SharedArrayBuffer, DataView) without copying; undefined if
 * it is not bytes.
 */
export function bytesOf(value) {
    if (typeof value !== "object" || value === null || !isBytes(value)) {
        return undefined;
    }
    if (!ArrayBuffer.isView(value)) {
        return new Uint8Array(value);
    }
    if (value instanceof Uint8Array) {
        return value;
    }
    return /^(Uint8Array|DataView)$/.test(tagOf(value))
        ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
        : undefined;
}
/**
 * Decodes JSON.
 *
 * @param what The data to decode, for errors: `the data of event …`.
 * @throws JsonError if it is not JSON, or contains a number that a JavaScript number can't hold.
 */
export function decodeJson(bytes, what) {
    if (bytes.length === 0) {
        throw new JsonError(`${what} is not the expected JSON: it is empty`);
    }
    let text;
    let value;
    try {
        text = decoder.decode(bytes);
        value = JSON.parse(text);
    }
    catch (cause) {
        throw new JsonError(`${what} is not the expected JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
    const number = changedNumber(text);
    if (number !== undefined) {
        const shown = number.length > 40 ? `${number.slice(0, 40)}…` : number;
        throw new JsonError(`${what} is not the expected JSON: a JavaScript number can't hold ${shown}; decode its bytes with another ` +
            "JSON parser");
    }
    return value;
}
/** Matches any number that may change when it is read: many digits, or a large exponent. */
const SUSPICIOUS = /\d{16}|\d[eE][+-]?\d{3}/;
/** Matches a string, which is skipped, or a number. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Returns the first number in JSON text whose value changes when it is read; undefined if there is none. */
function changedNumber(text) {
    if (!SUSPICIOUS.test(text)) {
        return undefined;
    }
    for (const [token] of text.matchAll(TOKEN)) {
        if (!token.startsWith('"') && isChanged(token)) {
            return token;
        }
    }
    return undefined;
}
function isChanged(token) {
    const value = Number(token);
    if (!Number.isFinite(value) || (value === 0 && /^[^eE]*[1-9]/.test(token))) {
        return true;
    }
    // A number with a fraction or an exponent is a double in every language. A whole number may be an exact integer
    // elsewhere, unless it is written exactly as this double is.
    return (/^-?\d+$/.test(token) &&
        !Number.isSafeInteger(value) &&
        String(value) !== token &&
        BigInt(token) !== BigInt(value));
}
//# sourceMappingURL=json.js.map