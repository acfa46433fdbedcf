/**
 * Decision models: decisions that depend on the events that match a query, in any streams, also known as [dynamic
 * consistency boundaries](https://dcb.events). The events of a decision are appended only if no new event matches the
 * queries since they were read.
 */
import type { Client } from "../client.js";
import type { AppendedToMany } from "../append.js";
import type { RecordedEvent } from "../events.js";
import type { CallOptions } from "../options.js";
import { itemsOf, type Matchable, matches, type Query, type QueryItem } from "../query.js";
import { Command } from "./command.js";
import { type ConflictPolicy, retryConflicts } from "../conflict.js";
import { SchemaError, type DomainEvent, type Schema, type Types } from "./schema.js";

/**
 * A fact that a decision depends on, built from the events that match a query of types, streams and tags, without
 * prefixes.
 */
export interface DecisionModel<S, T extends Types> {
  /** Selects the events of the fact. */
  readonly query: Query;
  /** Returns the fact before the first event. */
  readonly initial: () => S;
  /** Functions that update the fact, by event type. Other types change nothing. */
  readonly evolve: {
    readonly [K in keyof T & string]?: (state: S, data: T[K], event: Extract<DomainEvent<T>, { type: K }>) => S;
  };
}

/** Facts by name. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each model has its own state type
export type DecisionModels<T extends Types> = Readonly<Record<string, DecisionModel<any, T>>>;

/** The values of the facts, by name. */
export type Facts<M> = { readonly [K in keyof M]: M[K] extends { readonly initial: () => infer S } ? S : never };

/** An event of a decision, with its stream. */
export type Placed<T extends Types> = DomainEvent<T> & { readonly stream: string };

/** The result of a decision. */
export interface DecisionResult<T extends Types> {
  /** The appended events; none if none were decided, or if the command had already been executed. */
  readonly events: readonly Placed<T>[];
  /** The result of the append; undefined if nothing was appended. */
  readonly appended: AppendedToMany | undefined;
  /** Position of the command's last event, to wait for with projections; undefined if it has no events. */
  readonly position: number | undefined;
  /** Whether the command, identified by its id, had already been executed. */
  readonly alreadyExecuted: boolean;
}

/** Options of decideOn. */
export interface DecisionOptions extends CallOptions {
  /** The command's id, a UUID; a command with an id is executed at most once. Not needed in a process manager. */
  readonly commandId?: string;
  /** How often the decision is repeated after a conflict, and after which pauses. */
  readonly conflicts?: ConflictPolicy;
  /** Additional metadata of its events. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/**
 * Decides on facts: reads the events that they are built from, decides, and appends the events of the decision if no
 * new event matches since the read. Otherwise it reads and decides again. A command with an id is executed once,
 * however often it is called.
 *
 * @throws The error that `decide` throws; ChecksFailedError after as many conflicts as the policy allows.
 *
 * @example
 * await decideOn(client, schema, {
 *   course: {
 *     query: { types: ["CourseDefined"], tags: ["course:c1"] },
 *     initial: () => 0,
 *     evolve: { CourseDefined: (_, { seats }) => seats },
 *   },
 *   taken: {
 *     query: { types: ["Enrolled"], tags: ["course:c1"] },
 *     initial: () => 0,
 *     evolve: { Enrolled: (taken) => taken + 1 },
 *   },
 * }, ({ course, taken }) => {
 *   if (taken >= course) throw new Error("the course is full");
 *   return [{ stream: "course-c1", type: "Enrolled", data: { student: "s1" }, tags: ["course:c1", "student:s1"] }];
 * });
 */
export function decideOn<T extends Types, M extends DecisionModels<T>>(
  client: Client,
  schema: Schema<T>,
  models: M,
  decide: (facts: Facts<M>) => readonly Placed<T>[] | Promise<readonly Placed<T>[]>,
  options: DecisionOptions = {},
): Promise<DecisionResult<T>> {
  const command = new Command(options.commandId, "");
  const facts = Object.values(models).flatMap((model): readonly QueryItem[] => itemsOf(model.query));
  // The query includes the command's own events: if one is read, the command was already executed; if one is appended
  // concurrently, the check fails.
  const query = command.tag === undefined ? facts : [...facts, { tags: [command.tag] }];
  const decideOnce = async (): Promise<DecisionResult<T>> => {
    using read = client.readAll({ ...options, query });
    const { head } = await read.begin();
    const soFar = new FactsSoFar<T, M>(models);
    let earlier: RecordedEvent | undefined;
    for await (const event of read) {
      if (command.ledTo(event)) {
        earlier = event;
        continue;
      }
      const decoded = schema.decode(event);
      if (decoded === undefined) {
        throw new SchemaError(
          `event type ${JSON.stringify(event.type)} at position ${event.position} matches the query, but is not ` +
            "in the schema",
        );
      }
      soFar.take(decoded, event);
    }
    if (earlier !== undefined) {
      return { events: [], appended: undefined, position: earlier.position, alreadyExecuted: true };
    }
    const events = await decide(soFar.facts);
    if (events.length === 0) {
      return { events, appended: undefined, position: undefined, alreadyExecuted: false };
    }
    const metadata = options.metadata === undefined ? {} : { metadata: options.metadata };
    const writes = events.map((event, n) => ({
      stream: event.stream,
      events: [schema.encode(event, { ...command.encoding(n), ...metadata })],
    }));
    const appended = await client.appendToMany(writes, [{ noMatch: query, after: head }], options);
    return { events, appended, position: appended.lastPosition, alreadyExecuted: false };
  };
  return command.run(() => retryConflicts(options.conflicts ?? {}, options.signal, decideOnce));
}

type EvolveFact = (state: unknown, data: unknown, event: unknown) => unknown;

/** Facts, built from events. Needs no store. */
export class FactsSoFar<T extends Types, M extends DecisionModels<T>> {
  readonly #states = new Map<string, unknown>();

  constructor(private readonly models: M) {
    for (const [name, model] of Object.entries(models)) {
      this.#states.set(name, model.initial());
    }
  }

  /** The current facts. */
  get facts(): Facts<M> {
    return Object.fromEntries(this.#states) as Facts<M>;
  }

  /**
   * Updates the facts with an event. `recorded` is what the queries match, with the type under which it was recorded.
   */
  take(event: DomainEvent<T>, recorded: Matchable): void {
    for (const [name, model] of Object.entries(this.models)) {
      const evolve = (model.evolve as Readonly<Record<string, EvolveFact | undefined>>)[event.type];
      if (evolve !== undefined && matches(model.query, recorded)) {
        this.#states.set(name, evolve(this.#states.get(name), event.data, event));
      }
    }
  }
}
