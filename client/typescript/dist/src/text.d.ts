/**
 * Returns the text if it is valid Unicode. A lone surrogate would be sent as U+FFFD, which is a different name.
 *
 * @throws InvalidFieldError, which names the field.
 */
export declare function wellFormed(text: string, field: string): string;
//# sourceMappingURL=text.d.ts.map