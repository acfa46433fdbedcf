/**
 * Converts a gRPC status to an error. The reason in its `google.rpc.ErrorInfo` selects the class, and the typed
 * detail provides the properties. A status without a reason of the `annals` domain does not come from an Annals
 * server, but from the transport, a proxy or another server, and is mapped by its code. A missing or malformed detail
 * never hides the failure: the status itself is returned instead.
 */
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { type ServiceError, status as Code } from "@grpc/grpc-js";

import { type ExpectedRevision, fromPbExpected } from "./append.js";
import {
  type AnnalsError,
  ChecksFailedError,
  ConsumerReplacedError,
  CorruptError,
  EventIdConflictError,
  type FailedCheck,
  type FieldViolation,
  GroupExistsError,
  GroupNotFoundError,
  GroupUnavailableError,
  InternalError,
  InvalidFieldError,
  OverloadedError,
  PositionBeyondHeadError,
  MoveRefusedError,
  MoveUnfinishedError,
  RecordedTimeNotAcceptedError,
  RecordedTimeOutOfRangeError,
  RevisionBeyondEndError,
  RevisionConflictError,
  SnapshotNotFoundError,
  StateIdConflictError,
  StateVersionBeyondEndError,
  StateVersionExpiredError,
  StatusError,
  StreamNotFoundError,
  StreamTombstonedError,
  TooLargeError,
  UnavailableError,
  UnimplementedError,
  UnknownDeliveryError,
  UnreachableError,
  VersionConflictError,
} from "./errors.js";
import * as pb from "./generated/annals/v1/errors_pb.js";
import { type Status, StatusSchema } from "./generated/google/rpc/status_pb.js";
import { toNumber } from "./numbers.js";
import { fromPbTime } from "./timestamp.js";

const DOMAIN = "annals";
const TRAILER = "grpc-status-details-bin";

/** Converts the failure of a call to `endpoint`. */
export function fromServiceError(failed: ServiceError, endpoint: string): AnnalsError {
  const trailer = failed.metadata.get(TRAILER)[0];
  if (trailer instanceof Uint8Array) {
    const error = attempt(() => fromReason(fromBinary(StatusSchema, trailer), failed.details));
    if (error !== undefined) {
      return error;
    }
  }
  switch (failed.code) {
    // A broken connection shows as any of these, depending on the layer that detected it; servers send none of them
    // without a reason.
    case Code.UNAVAILABLE:
    case Code.UNKNOWN:
    case Code.CANCELLED:
      return new UnreachableError(endpoint, failed.details);
    case Code.INTERNAL:
      return /RST_STREAM|GOAWAY|connection/i.test(failed.details)
        ? new UnreachableError(endpoint, failed.details)
        : new StatusError(failed.code, failed.details);
    // The client's own deadline is handled before this: a proxy in between has timed out.
    case Code.DEADLINE_EXCEEDED:
      return new UnavailableError("unknown", failed.details);
    case Code.UNIMPLEMENTED:
      if (failed.details.startsWith("Received HTTP status code")) return new StatusError(failed.code, failed.details);
      return new UnimplementedError("the server is older than this client and does not know this call; update it");
    default:
      return new StatusError(failed.code, failed.details);
  }
}

/** Converts the failure of one append of a pipeline. */
export function fromResult(status: Status): AnnalsError {
  const error = attempt(() => fromReason(status, status.message));
  if (error !== undefined) {
    return error;
  }
  return status.code === (Code.UNAVAILABLE as number)
    ? new UnavailableError("unknown", status.message)
    : new StatusError(status.code, status.message);
}

/** Decodes a detail; undefined if its bytes are malformed. */
function attempt<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}

function fromReason(status: Status, message: string): AnnalsError | undefined {
  const info = bytesOf(status, "google.rpc.ErrorInfo");
  const { reason, domain, values } = decodeErrorInfo(info ?? new Uint8Array());
  if (domain !== DOMAIN) {
    return undefined;
  }
  switch (reason) {
    case "INVALID_FIELD":
      return new InvalidFieldError(violations(status, message), "server");
    case "TOO_LARGE":
      return new TooLargeError(violations(status, message));
    case "SHUTTING_DOWN":
      return new UnavailableError("shutting-down", message);
    case "ENGINE_UNAVAILABLE":
      return new UnavailableError("engine", message);
    case "STORAGE_FAILED":
      return new UnavailableError("storage-failed", message);
    case "OVERLOADED":
      return new OverloadedError(message);
    case "RECORDED_TIME_NOT_ACCEPTED":
      return new RecordedTimeNotAcceptedError(message);
    case "MOVE_REFUSED":
      return new MoveRefusedError(message);
    case "MOVE_UNFINISHED":
      return new MoveUnfinishedError(message);
    case "STATE_ID_CONFLICT":
      return new StateIdConflictError(message);
    case "GROUP_NOT_FOUND":
      return new GroupNotFoundError(values.get("group") ?? "");
    case "GROUP_EXISTS":
      return new GroupExistsError(values.get("group") ?? "");
    case "GROUP_UNAVAILABLE":
      return new GroupUnavailableError(values.get("group") ?? "");
    case "UNKNOWN_DELIVERY":
      return new UnknownDeliveryError(message);
    case "CONSUMER_REPLACED":
      return new ConsumerReplacedError(values.get("consumer") ?? "");
    case "CORRUPT":
      return new CorruptError(message);
    case "INTERNAL":
      return new InternalError(message);
    default:
      return fromDetail(status, reason);
  }
}

/** Creates the errors that need a typed detail. */
function fromDetail(status: Status, reason: string): AnnalsError | undefined {
  const read = <S extends DescMessage, E>(schema: S, make: (found: MessageShape<S>) => E): E | undefined => {
    const bytes = bytesOf(status, schema.typeName);
    return bytes === undefined ? undefined : make(fromBinary(schema, bytes));
  };
  switch (reason) {
    case "REVISION_CONFLICT":
      return read(pb.RevisionConflictSchema, (found) => {
        const { stream, expected, actual } = conflict(found);
        return new RevisionConflictError(stream, expected, actual);
      });
    case "EVENT_ID_CONFLICT":
      return read(
        pb.EventIdConflictSchema,
        (found) =>
          new EventIdConflictError(found.id, found.stream, optional(found.revision), toNumber(found.position)),
      );
    case "STREAM_NOT_FOUND":
      return read(pb.StreamNotFoundSchema, (found) => new StreamNotFoundError(found.stream));
    case "STREAM_TOMBSTONED":
      return read(pb.StreamTombstonedSchema, (found) => new StreamTombstonedError(found.stream));
    case "SNAPSHOT_NOT_FOUND":
      return read(pb.SnapshotNotFoundSchema, (found) => new SnapshotNotFoundError(found.stream));
    case "POSITION_BEYOND_HEAD":
      return read(
        pb.PositionBeyondHeadSchema,
        (found) => new PositionBeyondHeadError(toNumber(found.position), toNumber(found.head)),
      );
    case "REVISION_BEYOND_END":
      return read(
        pb.RevisionBeyondEndSchema,
        (found) => new RevisionBeyondEndError(found.stream, toNumber(found.revision), optional(found.lastRevision)),
      );
    case "VERSION_CONFLICT":
      return read(
        pb.VersionConflictSchema,
        (found) =>
          new VersionConflictError(
            found.stream,
            toNumber(found.expectedVersion),
            toNumber(found.actualVersion),
            found.prefix || undefined,
            found.group || undefined,
          ),
      );
    case "STATE_VERSION_EXPIRED":
      return read(
        pb.StateVersionOutOfRangeSchema,
        ({ scope, version, firstVersion, lastVersion }) =>
          new StateVersionExpiredError(scope, toNumber(version), toNumber(firstVersion), toNumber(lastVersion)),
      );
    case "STATE_VERSION_BEYOND_END":
      return read(
        pb.StateVersionOutOfRangeSchema,
        ({ scope, version, lastVersion }) =>
          new StateVersionBeyondEndError(scope, toNumber(version), toNumber(lastVersion)),
      );
    case "CHECKS_FAILED":
      return read(
        pb.ChecksFailedSchema,
        (found) => new ChecksFailedError(found.failed.flatMap(failedCheck), found.count),
      );
    case "RECORDED_TIME_OUT_OF_RANGE":
      return read(
        pb.RecordedTimeOutOfRangeSchema,
        (found) =>
          new RecordedTimeOutOfRangeError(
            fromPbTime(found.recordedAt, "recorded_at"),
            found.earliest === undefined ? undefined : fromPbTime(found.earliest, "earliest"),
            fromPbTime(found.latest, "latest"),
          ),
      );
    default:
      return undefined;
  }
}

function conflict(found: pb.RevisionConflict): {
  stream: string;
  expected: ExpectedRevision;
  actual: number | undefined;
} {
  return { stream: found.stream, expected: fromPbExpected(found.expected), actual: optional(found.actualRevision) };
}

function failedCheck({ index, found }: pb.FailedCheck): FailedCheck[] {
  switch (found.case) {
    case "stream":
      return [{ index, stream: conflict(found.value) }];
    case "match":
      return [{ index, match: { after: toNumber(found.value.after), position: toNumber(found.value.position) } }];
    case "state": {
      const { scope, key, expectedVersion, actualVersion } = found.value;
      const expected = optional(expectedVersion) ?? "absent";
      return [{ index, state: { scope, key, expected, actual: optional(actualVersion) } }];
    }
    case undefined:
      return [];
  }
}

function optional(value: bigint | undefined): number | undefined {
  return value === undefined ? undefined : toNumber(value);
}

function bytesOf(status: Status, typeName: string): Uint8Array | undefined {
  return status.details.find((any) => any.typeUrl.endsWith(`/${typeName}`))?.value;
}

function violations(status: Status, message: string): FieldViolation[] {
  const bytes = bytesOf(status, "google.rpc.BadRequest");
  const found = bytes === undefined ? [] : decodeBadRequest(bytes);
  return found.length > 0 ? found : [{ field: "", description: message }];
}

/** google.rpc.ErrorInfo: reason = 1, domain = 2, map<string, string> metadata = 3. */
function decodeErrorInfo(bytes: Uint8Array): { reason: string; domain: string; values: Map<string, string> } {
  const fields = decodeStrings(bytes);
  const values = new Map<string, string>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 3) {
      const entry = decodeStrings(reader.bytes());
      values.set(entry.get(1) ?? "", entry.get(2) ?? "");
    } else {
      reader.skip(wireType, field);
    }
  }
  return { reason: fields.get(1) ?? "", domain: fields.get(2) ?? "", values };
}

/** google.rpc.BadRequest: repeated FieldViolation = 1, each with field = 1 and description = 2. */
function decodeBadRequest(bytes: Uint8Array): FieldViolation[] {
  const reader = new BinaryReader(bytes);
  const found: FieldViolation[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) {
      const fields = decodeStrings(reader.bytes());
      found.push({ field: fields.get(1) ?? "", description: fields.get(2) ?? "" });
    } else {
      reader.skip(wireType, field);
    }
  }
  return found;
}

/** Decodes fields 1 and 2 of a message, which must be strings; others are skipped. */
function decodeStrings(bytes: Uint8Array): Map<number, string> {
  const reader = new BinaryReader(bytes);
  const found = new Map<number, string>();
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1 || field === 2) {
      found.set(field, reader.string());
    } else {
      reader.skip(wireType, field);
    }
  }
  return found;
}
