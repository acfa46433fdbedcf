/**
 * Errors, grouped by what the caller does about them. Each is a class that extends AnnalsError.
 *
 * The server states the reason of every failure (`annals/v1/errors.proto`), and status.ts turns it into these
 * classes. Failures that are safe to retry have already been retried within the call's deadline when the caller sees
 * the error: see `retryable`.
 */
export { AnnalsError } from "./errors/base.js";
export * from "./errors/conflict.js";
export {
  PositionBeyondHeadError,
  RevisionBeyondEndError,
  SnapshotNotFoundError,
  StateVersionBeyondEndError,
  StateVersionExpiredError,
  StreamNotFoundError,
  StreamTombstonedError,
} from "./errors/place.js";
export * from "./errors/group.js";
export * from "./errors/request.js";
export * from "./errors/service.js";
