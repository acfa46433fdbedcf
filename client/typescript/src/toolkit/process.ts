/**
 * Process managers: react to events with commands, exactly once in effect.
 *
 * 1. A reaction may run again, after a crash or a failure in its middle. Its commands then have the same ids as the first
 *    time, by which repositories and `decideOn` carry none of them out twice. The ids follow from the process's name, the
 *    event, the stream, and how many commands to that stream came before, as in every language's toolkit: so a reaction
 *    must give the same commands to a stream in the same order each time.
 * 2. What is no command of the toolkit (an e-mail) happens at least once; `idempotencyKey` is for those who take one.
 * 3. What a process manager must remember goes into an aggregate of its own, by a command as well.
 */
import type { RecordedEvent } from "../events.js";
import { inReaction, CommandIds } from "./context.js";
import type { Projection } from "./projection/definition.js";
import type { DomainEvent, Schema, Types } from "./schema.js";

/** What a reaction is about. */
export interface Reaction {
  /** The event that is reacted to. */
  readonly event: RecordedEvent;
  /** A key of something that the reaction does in the world outside, by a name: the same whenever it runs. */
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
 * A process manager, to be run with others by Projections, which keeps its checkpoint, retries it, and keeps its dead
 * letters. What it does runs in the context of the event: the same correlation, user and trace, caused by the event.
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
  /** Its name. With another name, all reactions are new ones. */
  readonly name: string;
  readonly schema: Schema<T>;
  readonly reactions: Reactions<T>;
  /** Only to events of streams whose names begin so. To all unless given. */
  readonly streamPrefixes?: readonly string[];
}): Projection<unknown> {
  const { name, schema, reactions, streamPrefixes = [] } = options;
  const byType = new Map<string, unknown>(Object.entries(reactions));
  return {
    name,
    effects: true,
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
