/**
 * Decision models: decisions that depend on the events that match a query, in any streams, also known as [dynamic
 * consistency boundaries](https://dcb.events). The events of a decision are appended only if no new event matches the
 * queries since they were read.
 */
import type { Client } from "../client.js";
import type { AppendedToMany } from "../append.js";
import type { CallOptions } from "../options.js";
import { type Matchable, type Query } from "../query.js";
import { type ConflictPolicy } from "./conflict.js";
import { type DomainEvent, type Schema, type Types } from "./schema.js";
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
        readonly [K in keyof T & string]?: (state: S, data: T[K], event: Extract<DomainEvent<T>, {
            type: K;
        }>) => S;
    };
}
/** Facts by name. */
export type DecisionModels<T extends Types> = Readonly<Record<string, DecisionModel<any, T>>>;
/** The values of the facts, by name. */
export type Facts<M> = {
    readonly [K in keyof M]: M[K] extends {
        readonly initial: () => infer S;
    } ? S : never;
};
/** An event of a decision, with its stream. */
export type Placed<T extends Types> = DomainEvent<T> & {
    readonly stream: string;
};
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
export declare function decideOn<T extends Types, M extends DecisionModels<T>>(client: Client, schema: Schema<T>, models: M, decide: (facts: Facts<M>) => readonly Placed<T>[] | Promise<readonly Placed<T>[]>, options?: DecisionOptions): Promise<DecisionResult<T>>;
/** Facts, built from events. Needs no store. */
export declare class FactsSoFar<T extends Types, M extends DecisionModels<T>> {
    #private;
    private readonly models;
    constructor(models: M);
    /** The current facts. */
    get facts(): Facts<M>;
    /**
     * Updates the facts with an event. `recorded` is what the queries match, with the type under which it was recorded.
     */
    take(event: DomainEvent<T>, recorded: Matchable): void;
}
//# sourceMappingURL=decision.d.ts.map