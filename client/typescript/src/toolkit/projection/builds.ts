/**
 * The builds of a projection in its store, and how one replaces another.
 *
 * 1. One build is live: readers see it. At most one of this program's version is built beside it.
 * 2. A live build of an older version is not changed until another replaces it: this code may not match its tables.
 * 3. A live build of a newer version is an error. A newer one in progress is left to the program that builds it.
 */
import type { Projection } from "./definition.js";
import { type Checkpoint, ProjectionError, type ProjectionStore, tableOf } from "./store.js";

/** The builds that a program works on. */
export interface Builds {
  readonly live: Checkpoint;
  /** The build in progress, if any; there is one if `live` has an older version. */
  readonly building: Checkpoint | undefined;
}

/** Returns the version of the projection's builds. Throws a ProjectionError if it is invalid. */
export function versionOf({ name, version = 1 }: Projection<never>): number {
  if (!Number.isInteger(version) || version < 1) {
    throw new ProjectionError(
      `the version of projection ${JSON.stringify(name)} must be a whole number from 1, not ${version}`,
    );
  }
  return version;
}

/** Finds the builds of a projection, and creates missing ones. */
export function findBuilds<Tx>(
  store: ProjectionStore<Tx>,
  projection: Projection<Tx>,
  storeId: string,
): Promise<Builds> {
  return store.transaction(async (tx) => {
    const own = versionOf(projection);
    const found = await store.checkpoints(tx, projection.name);
    const live = found.find(({ state }) => state === "live");
    if (live === undefined) {
      const first: Checkpoint = { generation: 1, version: own, state: "live", position: 0, storeId };
      await createBuild(store, tx, projection, first);
      await store.expose(tx, projection.name, 1, projection.tables ?? []);
      return { live: first, building: undefined };
    }
    refuseForeign(projection, live, storeId);
    const others = found.filter(({ state }) => state === "building");
    for (const older of others.filter(({ version }) => version < own)) {
      await store.dropBuild(tx, projection.name, older.generation, projection.tables ?? []);
    }
    let building = others.find(({ version }) => version === own);
    if (building === undefined && live.version < own) {
      building = { generation: nextGeneration(found), version: own, state: "building", position: 0, storeId };
      await createBuild(store, tx, projection, building);
    }
    return { live, building };
  });
}

/** Starts a build beside the live one. */
export function beginBuild<Tx>(
  store: ProjectionStore<Tx>,
  projection: Projection<Tx>,
  storeId: string,
): Promise<number> {
  return store.transaction(async (tx) => {
    const generation = nextGeneration(await store.checkpoints(tx, projection.name));
    await createBuild(store, tx, projection, {
      generation,
      version: versionOf(projection),
      state: "building",
      position: 0,
      storeId,
    });
    return generation;
  });
}

/** Replaces the live build, if this build has caught up with it. Returns whether it is live. */
export function switchTo<Tx>(
  store: ProjectionStore<Tx>,
  { name, tables = [] }: Projection<Tx>,
  generation: number,
): Promise<boolean> {
  return store.transaction(async (tx) => {
    const checkpoints = await store.checkpoints(tx, name);
    const live = checkpoints.find(({ state }) => state === "live");
    const built = checkpoints.find((one) => one.generation === generation);
    if (built === undefined || built.position < (live?.position ?? 0)) {
      return false;
    }
    if (built.state === "live") {
      // Another process has already switched.
      return true;
    }
    await store.expose(tx, name, built.generation, tables);
    if (live !== undefined) {
      await store.dropBuild(tx, name, live.generation, tables);
    }
    await store.saveCheckpoint(tx, name, { ...built, state: "live" });
    return true;
  });
}

/** Throws a ProjectionError if a checkpoint belongs to another event store. */
export function refuseForeignStore(name: string, found: Checkpoint, storeId: string): void {
  if (found.storeId !== storeId) {
    throw new ProjectionError(
      `projection ${JSON.stringify(name)} was built from store ${found.storeId}, ` +
        `but the client is connected to store ${storeId}; ` +
        "connect to the right store, or start with an empty read model",
    );
  }
}

function refuseForeign(projection: Projection<never>, live: Checkpoint, storeId: string): void {
  const own = versionOf(projection);
  if (live.version > own) {
    throw new ProjectionError(
      `projection ${JSON.stringify(projection.name)} was built by version ${live.version}, ` +
        `but this program has version ${own}`,
    );
  }
  refuseForeignStore(projection.name, live, storeId);
}

async function createBuild<Tx>(
  store: ProjectionStore<Tx>,
  tx: Tx,
  projection: Projection<Tx>,
  checkpoint: Checkpoint,
): Promise<void> {
  const { generation } = checkpoint;
  await store.saveCheckpoint(tx, projection.name, checkpoint);
  await projection.setup?.({ tx, generation, table: (name) => tableOf(name, generation) });
}

function nextGeneration(checkpoints: readonly Checkpoint[]): number {
  return Math.max(0, ...checkpoints.map(({ generation }) => generation)) + 1;
}
