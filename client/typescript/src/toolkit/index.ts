/**
 * The CQRS toolkit: aggregates, decision models, projections, process managers, metadata and schemas.
 *
 * @packageDocumentation
 */
export {
  Aggregate,
  type AggregateOptions,
  type Decide,
  type Decided,
  type Evolve,
  type SnapshotForm,
} from "./aggregate.js";
export { commandHandler, type CommandHandler, type CommandHandlerOptions, type Decider } from "./command-handler.js";
export type { ConflictPolicy } from "../conflict.js";
export {
  type Context,
  contextOf,
  currentContext,
  inContext,
  inContextOf,
  metadataOf,
  toMetadata,
} from "./context.js";
export {
  decideOn,
  type DecisionModel,
  type DecisionModels,
  type DecisionOptions,
  type DecisionResult,
  type Facts,
  FactsSoFar,
  type Placed,
} from "./decision.js";
export { processManager, type Reaction, type Reactions } from "./process.js";
export { type Handlers, type Projection, projection, type Target } from "./projection/definition.js";
export { MemoryStore, type MemoryTable, type MemoryTransaction } from "./projection/memory.js";
export { Projections, waitForProjection } from "./projection/projections.js";
export { type ProjectionLag, type ProjectionStatus, RunningProjection } from "./projection/runner.js";
export { StateStore } from "./projection/state.js";
export type { StateTable, StateTransaction } from "./projection/state-transaction.js";
export {
  type Checkpoint,
  type DeadLetter,
  ProjectionError,
  type ProjectionStore,
  RejectedTransactionError,
} from "./projection/store.js";
export type { ProjectionBatch, ProjectionOptions, ProjectionProblem } from "./projection/worker.js";
export {
  type Executed,
  type ExecuteOptions,
  type Loaded,
  type LoadOptions,
  Repository,
  type RepositoryOptions,
} from "./repository.js";
export {
  type DomainEvent,
  type EncodeOptions,
  Schema,
  schema,
  SchemaError,
  type Types,
  type TypeSchema,
} from "./schema.js";
