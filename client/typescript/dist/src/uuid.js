/** Event ids: UUIDs in lower case. */
import { createHash, randomFillSync } from "node:crypto";
const POOL_BYTES = 4_096;
const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;
/** Returns a new UUIDv7, which sorts by the millisecond of its creation. */
export function newId() {
    if (used + 10 > POOL_BYTES) {
        randomFillSync(pool);
        used = 0;
    }
    const time = Date.now().toString(16).padStart(12, "0");
    const random = Buffer.from(pool.buffer, used, 10).toString("hex");
    used += 10;
    const variant = (parseInt(random.charAt(3), 16) & 3) | 8;
    const version7 = `7${random.slice(0, 3)}`;
    const variantAndRandom = `${variant.toString(16)}${random.slice(4, 7)}`;
    return [time.slice(0, 8), time.slice(8), version7, variantAndRandom, random.slice(7, 19)].join("-");
}
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Whether the text is a UUID with hyphens. */
export function isId(text) {
    return UUID.test(text);
}
/**
 * Returns the UUIDv5 (RFC 9562) of a name in a namespace, which is itself a UUID. The result is the same in every
 * language.
 *
 * @throws RangeError if the namespace is not a UUID.
 */
export function nameId(namespace, name) {
    if (!isId(namespace)) {
        throw new RangeError(`${JSON.stringify(namespace)} must be a UUID, such as ${newId()}`);
    }
    const hash = createHash("sha1")
        .update(Buffer.from(namespace.replaceAll("-", ""), "hex"))
        .update(name)
        .digest();
    hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
    hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
    const hex = hash.toString("hex", 0, 16);
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
//# sourceMappingURL=uuid.js.map