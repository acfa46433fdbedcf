/**
 * Decision models (dynamic consistency boundaries): a decision on the events that match a query, whatever streams they are
 * in, which is appended only if nothing that matches has happened since.
 */
import type { Client } from "../client.js";
import type { AppendedToMany } from "../append.js";
import type { RecordedEvent } from "../events.js";
import type { CallOptions } from "../options.js";
import { itemsOf, type Matchable, matches, type Query, type QueryItem } from "../query.js";
import { Command } from "./command.js";
import { type ConflictPolicy, retryConflicts } from "./conflict.js";
import { SchemaError, type DomainEvent, type Schema, type Types } from "./schema.js";

/** A fact that a decision rests on, made of the events that match a query (types and tags; no prefixes). */
export interface DecisionModel<S, T extends Types> {
  /** Which events it is made of. */
  readonly query: Query;
  /** The fact before the first of them. */
  readonly initial: () => S;
  /** How each changes it. Those of types that are not named change nothing. */
  readonly evolve: {
    readonly [K in keyof T & string]?: (state: S, data: T[K], event: Extract<DomainEvent<T>, { type: K }>) => S;
  };
}

/** Several facts, under names of their own. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a state of each model's own, which a record can't say otherwise
export type DecisionModels<T extends Types> = Readonly<Record<string, DecisionModel<any, T>>>;

/** What the facts are. */
export type Facts<M> = { readonly [K in keyof M]: M[K] extends { readonly initial: () => infer S } ? S : never };

/** An event that was decided on, and the stream that it goes to. */
export type Placed<T extends Types> = DomainEvent<T> & { readonly stream: string };

/** What came of a decision. */
export interface DecisionResult<T extends Types> {
  /** What was appended; nothing if nothing was decided, or the command had been carried out before. */
  readonly events: readonly Placed<T>[];
  /** Where it stands; undefined if nothing was appended. */
  readonly appended: AppendedToMany | undefined;
  /** Position of the last event that the command led to; undefined if it led to none. Projections wait for it. */
  readonly position: number | undefined;
  /** Whether the command (by its id) had been carried out before. */
  readonly alreadyExecuted: boolean;
}

/** How a decision is made. */
export interface DecisionOptions extends CallOptions {
  /** The command's identity, a UUID; given, it is carried out at most once. In a process manager it need not be given. */
  readonly commandId?: string;
  /** How it is made again when something that matches has happened meanwhile. */
  readonly conflicts?: ConflictPolicy;
  /** Further metadata of its events. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/**
 * Decides on facts: reads the events that they are made of, decides, and appends what was decided, if nothing that matches
 * has happened since; otherwise it reads and decides again. A command with an id is carried out once, however often it is
 * given.
 *
 * @throws What `decide` throws; ChecksFailedError, if it was too late as often as the policy allows.
 *
 * @example
 * await decideOn(client, schema, {
 *   course: { query: { types: ["CourseDefined"], tags: ["course:c1"] }, initial: () => 0, evolve: { CourseDefined: (_, { seats }) => seats } },
 *   taken: { query: { types: ["Enrolled"], tags: ["course:c1"] }, initial: () => 0, evolve: { Enrolled: (taken) => taken + 1 } },
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
  // What the command itself has led to matters to it as well: read, it was carried out; appended meanwhile, the check fails.
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
          `event type ${JSON.stringify(event.type)} at position ${event.position} matches the query, but is not in the schema`,
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

/** Facts made of the events that were taken. Needs no store. */
export class FactsSoFar<T extends Types, M extends DecisionModels<T>> {
  readonly #states = new Map<string, unknown>();

  constructor(private readonly models: M) {
    for (const [name, model] of Object.entries(models)) {
      this.#states.set(name, model.initial());
    }
  }

  /** The facts as they are now. */
  get facts(): Facts<M> {
    return Object.fromEntries(this.#states) as Facts<M>;
  }

  /** Takes the next event; `recorded` is what the queries look at, under the name that the type had then. */
  take(event: DomainEvent<T>, recorded: Matchable): void {
    for (const [name, model] of Object.entries(this.models)) {
      const evolve = (model.evolve as Readonly<Record<string, EvolveFact | undefined>>)[event.type];
      if (evolve !== undefined && matches(model.query, recorded)) {
        this.#states.set(name, evolve(this.#states.get(name), event.data, event));
      }
    }
  }
}
