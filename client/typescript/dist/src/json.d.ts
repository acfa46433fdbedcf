/**
 * Encodes a value as JSON.
 *
 * @param subject The owner of the value, for errors: `an event of type "OrderPlaced"`.
 * @param root The name of the value, for errors: `data`.
 * @throws InvalidValueError if JSON can't represent it.
 */
export declare function encodeJson(value: unknown, subject: string, root: string): Uint8Array;
/**
 * Returns the bytes of a value (Uint8Array, ArrayBuffer, SharedArrayBuffer, DataView) without copying; undefined if
 * it is not bytes.
 */
export declare function bytesOf(value: unknown): Uint8Array | undefined;
/**
 * Decodes JSON.
 *
 * @param what The data to decode, for errors: `the data of event …`.
 * @throws JsonError if it is not JSON, or contains a number that a JavaScript number can't hold.
 */
export declare function decodeJson(bytes: Uint8Array, what: string): unknown;
//# sourceMappingURL=json.d.ts.map