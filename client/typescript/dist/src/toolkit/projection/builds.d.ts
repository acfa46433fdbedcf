/**
 * The builds of a projection in its store, and how one replaces another.
 *
 * 1. One build is live: readers see it. At most one of this program's version is built beside it.
 * 2. A live build of an older version is not changed until another replaces it: this code may not match its tables.
 * 3. A live build of a newer version is an error. A newer one in progress is left to the program that builds it.
 */
import type { Projection } from "./definition.js";
import { type Checkpoint, type ProjectionStore } from "./store.js";
/** The builds that a program works on. */
export interface Builds {
    readonly live: Checkpoint;
    /** The build in progress, if any; there is one if `live` has an older version. */
    readonly building: Checkpoint | undefined;
}
/** Returns the version of the projection's builds. Throws a ProjectionError if it is invalid. */
export declare function versionOf({ name, version }: Projection<never>): number;
/** Finds the builds of a projection, and creates missing ones. */
export declare function findBuilds<Tx>(store: ProjectionStore<Tx>, projection: Projection<Tx>, storeId: string): Promise<Builds>;
/** Starts a build beside the live one. */
export declare function beginBuild<Tx>(store: ProjectionStore<Tx>, projection: Projection<Tx>, storeId: string): Promise<number>;
/** Replaces the live build, if this build has caught up with it. Returns whether it is live. */
export declare function switchTo<Tx>(store: ProjectionStore<Tx>, { name, tables }: Projection<Tx>, generation: number): Promise<boolean>;
/** Throws a ProjectionError if a checkpoint belongs to another event store. */
export declare function refuseForeignStore(name: string, found: Checkpoint, storeId: string): void;
//# sourceMappingURL=builds.d.ts.map