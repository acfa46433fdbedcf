/**
 * What can go wrong, sorted by what the caller does about it: a class each, all of them AnnalsErrors.
 *
 * The server names the reason of every failure (`annals/v1/errors.proto`); status.ts turns that into these classes. What
 * may safely be tried again was tried again, within the call's deadline, before an error is seen: see `retryable`.
 */
export { AnnalsError } from "./errors/base.js";
export * from "./errors/conflict.js";
export {
  PositionBeyondHeadError,
  RevisionBeyondEndError,
  SnapshotNotFoundError,
  StreamNotFoundError,
  StreamTombstonedError,
} from "./errors/place.js";
export * from "./errors/request.js";
export * from "./errors/service.js";
