/** Durations of options and settings, as objects that name their units. */
import { InvalidFieldError } from "./errors.js";
const MILLISECONDS_OF = {
    days: 86_400_000,
    hours: 3_600_000,
    minutes: 60_000,
    seconds: 1_000,
    milliseconds: 1,
};
/**
 * Returns the duration in milliseconds.
 *
 * @param name The option that holds it, for the error.
 * @throws InvalidFieldError if it has no field, an unknown field, or one that is not a number of 0 or more.
 */
export function toMilliseconds(duration, name) {
    const fields = Object.entries(duration);
    let sum = 0;
    for (const [unit, count] of fields) {
        const factor = Object.hasOwn(MILLISECONDS_OF, unit) ? MILLISECONDS_OF[unit] : undefined;
        if (factor === undefined || typeof count !== "number" || !(count >= 0)) {
            throw invalid(name, duration);
        }
        sum += count * factor;
    }
    if (fields.length === 0) {
        throw invalid(name, duration);
    }
    return sum;
}
function invalid(name, duration) {
    const shown = typeof duration === "object" ? JSON.stringify(duration) : String(duration);
    const description = `must be a duration of 0 or more, such as { seconds: 5 } or { days: 30 }, not ${shown}`;
    return new InvalidFieldError([{ field: name, description }]);
}
//# sourceMappingURL=duration.js.map