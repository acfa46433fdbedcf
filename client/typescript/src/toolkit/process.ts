/**
 * Process managers: react to events with commands that take effect exactly once.
 *
 * 1. A reaction may run again after a crash or a failure. Its commands then have the same ids as the first time, so
 *    repositories and `decideOn` execute none of them twice. The ids are derived from the process manager's name, the
 *    event, the stream, and the number of earlier commands to that stream, as in the toolkits of all languages. So a
 *    reaction must send the same commands to a stream in the same order each time.
 * 2. Any other effect, such as an e-mail, happens at least once; pass `idempotencyKey` to services that accept one.
 * 3. State of a process manager belongs in its own aggregate, changed by commands as well.
 */
import type { RecordedEvent } from "../events.js";
import { inReaction, CommandIds } from "./context.js";
import type { Projection } from "./projection/definition.js";
import type { DomainEvent, Schema, Types } from "./schema.js";

/** The event of a reaction, and keys for its external effects. */
export interface Reaction {
  readonly event: RecordedEvent;
  /** Returns a key for an external effect of the reaction, by name: the same whenever it runs. */
  readonly idempotencyKey: (name: string) => string;
}

/** Reactions by event type. */
export type Reactions<T extends Types> = {
  readonly [K in keyof T & string]?: (
    data: T[K],
    reaction: Reaction & { readonly domain: Extract<DomainEvent<T>, { type: K }> },
  ) => unknown;
};

/**
 * Creates a process manager, to be run by Projections, which stores its checkpoint, retries it, and stores its dead
 * letters. Its reactions run in the context of the event: with the same correlation, user and trace, and the event as
 * the cause.
 *
 * @example
 * const shipping = processManager<Orders>({
 *   name: "shipping",
 *   schema: orders,
 *   reactions: {
 *     OrderPaid: (_, { event }) => shipments.execute(event.stream, (shipment) => begin(shipment)),
 *   },
 * });
 */
export function processManager<T extends Types>(options: {
  /** The process manager's name. After a change of the name, it reacts to all events again. */
  readonly name: string;
  readonly schema: Schema<T>;
  readonly reactions: Reactions<T>;
  /** Reacts only to events of streams whose names begin with one of these. To all unless given. */
  readonly streamPrefixes?: readonly string[];
  /**
   * The consumer group from which it gets its events, so that several processes share the work. Events of one stream
   * are reacted to in order. See Projection.group.
   */
  readonly group?: string;
}): Projection<unknown> {
  const { name, schema, reactions, streamPrefixes = [], group } = options;
  const byType = new Map<string, unknown>(Object.entries(reactions));
  return {
    name,
    effects: true,
    ...(group !== undefined && { group }),
    query: { types: schema.namesOf(byType.keys()), streamPrefixes },
    handle: async (event) => {
      const domain = schema.decode(event);
      if (domain === undefined) {
        return;
      }
      const react = byType.get(domain.type) as
        ((data: unknown, reaction: Reaction & { domain: unknown }) => unknown) | undefined;
      const commandIds = new CommandIds(name, event.id);
      const idempotencyKey = (what: string) => commandIds.idOf(what);
      await inReaction(event, commandIds, () => react?.(domain.data, { event, domain, idempotencyKey }));
    },
  };
}
