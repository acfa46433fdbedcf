/**
 * The CQRS toolkit: aggregates, decision models, projections, process managers, metadata and schemas.
 *
 * @packageDocumentation
 */
export { Aggregate, } from "./aggregate.js";
export { commandHandler } from "./command-handler.js";
export { contextOf, currentContext, inContext, inContextOf, metadataOf, toMetadata, } from "./context.js";
export { decideOn, FactsSoFar, } from "./decision.js";
export { processManager } from "./process.js";
export { projection } from "./projection/definition.js";
export { MemoryStore } from "./projection/memory.js";
export { Projections, waitForProjection } from "./projection/projections.js";
export { RunningProjection } from "./projection/runner.js";
export { ProjectionError } from "./projection/store.js";
export { Repository, } from "./repository.js";
export { Schema, schema, SchemaError, } from "./schema.js";
//# sourceMappingURL=index.js.map