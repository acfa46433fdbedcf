/**
 * Consumer groups of projections and process managers.
 *
 * A projection has an exclusive group: one process applies the events, in order, and another one takes its place when
 * it leaves. A process manager has an ordered group: all processes react, in the order of each stream.
 */
import type { Client } from "../../client.js";
import { GroupExistsError } from "../../errors.js";
import { fromPbQuery, type Query, toPbQuery } from "../../query.js";
import type { Projection } from "./definition.js";
import { ProjectionError } from "./store.js";

/**
 * Creates the group of a projection after a position, or gives an existing one the projection's query. The other
 * settings of an existing group are kept.
 *
 * @throws ProjectionError if it exists with another mode.
 */
export async function prepareGroup(client: Client, projection: Projection<never>, after: number): Promise<void> {
  const { name, group = name, query = [], effects = false } = projection;
  const mode = effects ? "ordered" : "exclusive";
  try {
    await client.createGroup(group, { mode, query }, { start: { after } });
    return;
  } catch (error) {
    if (!(error instanceof GroupExistsError)) {
      throw error;
    }
  }
  const { settings, version } = (await client.describeGroup(group)).group;
  if (settings.mode !== mode) {
    throw new ProjectionError(
      `group ${JSON.stringify(group)} is ${settings.mode ?? "ordered"}, but projection ${JSON.stringify(name)} needs ` +
        `an ${mode} one; use another group`,
    );
  }
  if (textOf(settings.query) !== textOf(query)) {
    await client.updateGroup(group, { ...settings, query }, { expectedVersion: version });
  }
}

/** Returns a text that is the same for equal queries. */
function textOf(query: Query | undefined): string {
  return JSON.stringify(fromPbQuery(toPbQuery(query)));
}
