export { AppendPipeline } from "./append-pipeline.js";
export { Client } from "./client.js";
export * from "./errors.js";
export { newEvent, RecordedEvent } from "./events.js";
export { matches } from "./query.js";
export { Read } from "./read.js";
export { Subscription } from "./subscription.js";
export { Timestamp } from "./timestamp.js";
export { nameId, newId } from "./uuid.js";
export { VERSION } from "./version.js";
//# sourceMappingURL=index.js.map