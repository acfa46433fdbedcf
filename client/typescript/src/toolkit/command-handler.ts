/** A functional entry to aggregates: the three functions `decide`, `evolve` and `initial`, without a class. */
import type { Client } from "../client.js";
import { Aggregate, type Decided, type Evolve } from "./aggregate.js";
import type { ConflictPolicy } from "../conflict.js";
import { type Executed, type ExecuteOptions, Repository } from "./repository.js";
import type { DomainEvent, Schema, Types } from "./schema.js";

/** The functions that define one kind of entity. They are pure, so tests call them directly. */
export interface Decider<C, S, T extends Types> {
  /** Returns the state before the first event. */
  readonly initial: () => S;
  /** Returns the state after one more event. */
  readonly evolve: (state: S, event: DomainEvent<T>) => S;
  /** Returns the events that a command leads to, none if it changes nothing. Throws if the domain forbids it. */
  readonly decide: (command: C, state: S) => Decided<T> | Promise<Decided<T>>;
}

/** Options of commandHandler. */
export interface CommandHandlerOptions<C, S, T extends Types> extends Decider<C, S, T> {
  /** The prefix of the stream names: entity `42` of category `order` is stream `order-42`. */
  readonly category: string;
  /** The event types. */
  readonly schema: Schema<T>;
  /** How often a command is decided again after a conflict, and after which pauses. */
  readonly conflicts?: ConflictPolicy;
}

/** Executes a command on the entity with this id. */
export type CommandHandler<C, S, T extends Types> = (
  id: string,
  command: C,
  options?: ExecuteOptions,
) => Promise<Executed<S, T>>;

/**
 * Creates a function that executes commands: it reads the entity's events, decides, and appends the events of the
 * decision with the revision that was read as the expected one. After a conflict it reads and decides again. If there
 * are no events, nothing is appended.
 *
 * It saves no snapshots; for those, use an Aggregate and a Repository.
 *
 * @throws The error that `decide` throws; RevisionConflictError after as many conflicts as the policy allows;
 *   SchemaError.
 *
 * @example
 * const handle = commandHandler(client, {
 *   category: "order",
 *   schema: orders,
 *   initial: () => "none",
 *   evolve: (state, event) => (event.type === "OrderPlaced" ? "placed" : state),
 *   decide: (command: { place: string }, state) =>
 *     state === "none" ? { type: "OrderPlaced", data: { customer: command.place } } : undefined,
 * });
 * await handle("42", { place: "ada" });
 */
export function commandHandler<C, S, T extends Types>(
  client: Client,
  options: CommandHandlerOptions<C, S, T>,
): CommandHandler<C, S, T> {
  const { category, schema, initial, evolve, decide, conflicts } = options;
  const evolveAny = (state: S, _data: unknown, event: DomainEvent<T>) => evolve(state, event);
  const byType = Object.fromEntries(schema.names.map((type) => [type, evolveAny])) as unknown as Evolve<S, T>;
  const aggregate = new Aggregate<S, T>({ category, schema, initial, evolve: byType });
  const repository = new Repository(client, aggregate, conflicts === undefined ? {} : { conflicts });
  return (id, command, executeOptions) => repository.execute(id, (state) => decide(command, state), executeOptions);
}
