/**
 * Process managers: react to events with commands, exactly once in effect.
 *
 * A reaction may run again, after a crash or a failure in its middle. Its commands then have the same ids as the first
 * time, which are made of the process's name, the event's id and the command's name, so that the repository carries none
 * of them out twice. What a process manager must remember goes into an aggregate of its own, by a command as well.
 */
import type { RecordedEvent } from "../events.js";
import { nameId } from "../uuid.js";
import type { Decide } from "./aggregate.js";
import { inContextOf } from "./context.js";
import type { Projection } from "./projection/definition.js";
import type { Executed, ExecuteOptions, Repository } from "./repository.js";
import type { DomainEvent, Schema, Types } from "./schema.js";

/** What a reaction can do. */
export interface Reaction {
  /** The event that is reacted to. */
  readonly event: RecordedEvent;
  /**
   * Carries out a command, once, however often the reaction runs.
   *
   * @param name Tells it from the other commands of the same reaction.
   */
  readonly execute: <S, T extends Types>(
    name: string,
    repository: Repository<S, T>,
    id: string,
    decide: Decide<S, T>,
    options?: Omit<ExecuteOptions, "commandId">,
  ) => Promise<Executed<S, T>>;
  /** The id of such a command: for calls to the world outside that take an idempotency key. */
  readonly commandId: (name: string) => string;
}

/** Reactions by event type. */
export type Reactions<T extends Types> = {
  readonly [K in keyof T & string]?: (data: T[K], reaction: Reaction & { readonly domain: Extract<DomainEvent<T>, { type: K }> }) => Promise<void> | void;
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
 *     OrderPaid: async (_, { event, execute }) => {
 *       await execute("ship", shipments, event.stream, (shipment) => begin(shipment));
 *     },
 *   },
 * });
 */
export function processManager<T extends Types>(options: {
  /** Its name: an identifier. With another name, all reactions are new ones. */
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
      const react = byType.get(domain.type) as ((data: unknown, reaction: Reaction & { domain: unknown }) => Promise<void> | void) | undefined;
      const commandId = (command: string) => nameId(event.id, `${name}/${command}`);
      const execute: Reaction["execute"] = (command, repository, id, decide, more = {}) =>
        repository.execute(id, decide, { ...more, commandId: commandId(command) });
      await inContextOf(event, () => react?.(domain.data, { event, domain, execute, commandId }));
    },
  };
}
