/**
 * Client for Annals, an event store: appends that are never written twice, reads, and subscriptions that survive
 * broken connections. See the README for an introduction.
 *
 * @packageDocumentation
 */
export type { Appended, AppendedState, AppendedToMany, Check, ExpectedRevision, Write } from "./append.js";
export { AppendPipeline, type PipelineLimits } from "./append-pipeline.js";
export { Client, type StreamAppend } from "./client.js";
export type { ConflictPolicy } from "./conflict.js";
export { type ConsumeOptions, Consumer } from "./consumer.js";
export { Ack, type Delivery, type DeliveryHandler, Outcome, Park, Retry, Skip } from "./delivery.js";
export type { Duration } from "./duration.js";
export * from "./errors.js";
export { newEvent, type NewEvent, type NewEventOptions, RecordedEvent } from "./events.js";
export type {
  ConsumerStatus,
  Group,
  GroupMode,
  GroupSettings,
  GroupStart,
  GroupStatus,
  ParkedEvent,
  ParkedSelection,
} from "./group.js";
export type { CallOptions, ClientOptions, RetryPolicy, TlsOptions } from "./options.js";
export { type Matchable, matches, type Query, type QueryItem } from "./query.js";
export { Read, type ReadBeginning, type ReadOptions } from "./read.js";
export type { Limits, ServerInfo } from "./server.js";
export {
  type ExpectedVersion,
  type StateChange,
  type StateCheck,
  StateEntry,
  type StatePage,
  type StateWritten,
} from "./state.js";
export {
  StateSubscription,
  type StateSubscriptionItem,
  type SubscribeStateOptions,
} from "./state-subscription.js";
export type {
  Deleted,
  PrefixRetention,
  Retention,
  RetentionInfo,
  Scavenge,
  Snapshot,
  StreamInfo,
  Tombstoned,
} from "./streams.js";
export { type SubscribeOptions, Subscription, type SubscriptionItem } from "./subscription.js";
export { type Time, Timestamp } from "./timestamp.js";
export { nameId, newId } from "./uuid.js";
export { VERSION } from "./version.js";
