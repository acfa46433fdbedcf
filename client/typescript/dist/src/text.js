/** Validates strings of requests: names, types and tags. */
import { InvalidFieldError } from "./errors.js";
/**
 * Returns the text if it is valid Unicode. A lone surrogate would be sent as U+FFFD, which is a different name.
 *
 * @throws InvalidFieldError, which names the field.
 */
export function wellFormed(text, field) {
    if (typeof text !== "string" || !text.isWellFormed()) {
        const problem = typeof text === "string"
            ? `${JSON.stringify(text)} has a lone surrogate, which is not valid Unicode`
            : `must be text, not ${String(text)}`;
        throw new InvalidFieldError([{ field, description: problem }]);
    }
    return text;
}
//# sourceMappingURL=text.js.map