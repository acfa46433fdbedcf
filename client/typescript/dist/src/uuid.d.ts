/** Returns a new UUIDv7, which sorts by the millisecond of its creation. */
export declare function newId(): string;
/** Whether the text is a UUID with hyphens. */
export declare function isId(text: string): boolean;
/**
 * Returns the UUIDv5 (RFC 9562) of a name in a namespace, which is itself a UUID. The result is the same in every
 * language.
 *
 * @throws RangeError if the namespace is not a UUID.
 */
export declare function nameId(namespace: string, name: string): string;
//# sourceMappingURL=uuid.d.ts.map