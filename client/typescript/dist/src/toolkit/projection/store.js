/**
 * The interface of a projection's store, which saves the checkpoint in the same transaction as the read model.
 *
 * PostgreSQL, SQLite and memory implement it; the runner depends on nothing else.
 */
import { AnnalsError } from "../../errors.js";
/** Returns the name of a table in a build. */
export function tableOf(name, generation) {
    return `${identifier(name)}__${generation}`;
}
/**
 * Returns the name of a projection, which is stored as a value. Throws a ProjectionError if it is empty or too long.
 */
export function projectionName(name) {
    if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name)) {
        throw new ProjectionError(`the projection name ${JSON.stringify(name)} must be 1 to 64 letters, digits, _, - and .`);
    }
    return name;
}
/** Returns the name of a table. Throws a ProjectionError if it can't be used in SQL unquoted. */
export function identifier(name) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,47}$/.test(name)) {
        throw new ProjectionError(`the table name ${JSON.stringify(name)} must be an identifier of at most 48 letters, digits and _`);
    }
    return name;
}
/** A projection can't continue. The message states what to do. */
export class ProjectionError extends AnnalsError {
}
//# sourceMappingURL=store.js.map