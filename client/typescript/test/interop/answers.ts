/** Converts results and errors to the answers of the interoperability cases. */
import {
  AnnalsError,
  type Appended,
  type AppendedToMany,
  ChecksFailedError,
  EventIdConflictError,
  type FailedCheck,
  InvalidFieldError,
  InvalidValueError,
  JsonError,
  PositionBeyondHeadError,
  type PrefixRetention,
  type Read,
  type RecordedEvent,
  type Retention,
  type RetentionInfo,
  RevisionBeyondEndError,
  RevisionConflictError,
  SnapshotNotFoundError,
  type StateEntry,
  StateIdConflictError,
  type StateSubscriptionItem,
  StateVersionBeyondEndError,
  StateVersionExpiredError,
  type StreamInfo,
  StreamNotFoundError,
  StreamTombstonedError,
  type SubscriptionItem,
  TooLargeError,
  VersionConflictError,
} from "../../src/index.js";
import { type Fields } from "./steps.js";

export function base64(data: Uint8Array): string {
  return Buffer.from(data).toString("base64");
}

export function appended(done: Appended): Fields {
  return {
    first_revision: done.firstRevision,
    last_revision: done.lastRevision,
    first_position: done.firstPosition,
    last_position: done.lastPosition,
    recorded_at: done.recordedAt.epochMicroseconds,
    already_appended: done.alreadyAppended,
  };
}

export function appendedToMany(done: AppendedToMany): Fields {
  return {
    first_position: done.firstPosition,
    last_position: done.lastPosition,
    recorded_at: done.recordedAt.epochMicroseconds,
    already_appended: done.alreadyAppended,
    streams: done.streams.map(({ stream, firstRevision, lastRevision }) => ({
      stream,
      first_revision: firstRevision,
      last_revision: lastRevision,
    })),
    ...(done.stateVersions.length > 0 && { state_versions: done.stateVersions }),
  };
}

export function stateEntry({ key, value, version, changedAt }: StateEntry): Fields {
  return { key, data: base64(value), version, changed_at: changedAt.epochMicroseconds };
}

export function stateItemOf(item: StateSubscriptionItem): Fields {
  switch (item.kind) {
    case "put":
      return { put: stateEntry(item.entry) };
    case "deletion":
      return { deletion: { key: item.key, version: item.version } };
    default:
      return { [item.kind.replace("-", "_")]: item.version };
  }
}

export function recorded(event: RecordedEvent): Fields {
  return {
    id: event.id,
    stream: event.stream,
    revision: event.revision,
    position: event.position,
    type: event.type,
    data: base64(event.data),
    metadata: base64(event.metadata),
    tags: event.tags,
    recorded_at: event.recordedAt.epochMicroseconds,
    ...(event.contentType !== "application/json" && { content_type: event.contentType }),
  };
}

export async function eventsOf(read: Read): Promise<Fields> {
  const { head, lastRevision } = await read.begin();
  return { head, last_revision: lastRevision, events: (await read.toArray()).map(recorded) };
}

export function itemOf(item: SubscriptionItem): Fields {
  if (item.kind === "event") return { event: recorded(item.event) };
  return { [item.kind.replace("-", "_")]: item.position, revision: item.revision };
}

export function retentionOf({ maxCount, maxAge, truncateBefore = 0 }: Retention): Fields {
  return { max_count: maxCount, max_age_seconds: maxAge?.seconds, truncate_before: truncateBefore };
}

export function retentionInfo({ retention, version, tombstoned }: RetentionInfo): Fields {
  return { retention: retentionOf(retention), version, tombstoned };
}

export function prefixRetention({ prefix, retention, version }: PrefixRetention): Fields {
  return { prefix, retention: retentionOf(retention), version };
}

export function streamInfo(stream: StreamInfo): Fields {
  return {
    name: stream.name,
    first_revision: stream.firstRevision,
    last_revision: stream.lastRevision,
    first_position: stream.firstPosition,
    last_position: stream.lastPosition,
    created_at: stream.createdAt.epochMicroseconds,
    retention: retentionOf(stream.retention),
    retention_prefix: stream.retentionPrefix,
  };
}

/** Returns the reason of an error, with its properties. */
export function failure(error: AnnalsError): Fields {
  const fields = error as unknown as Fields;
  const pick = (reason: string, ...names: string[]) => ({
    reason,
    ...Object.fromEntries(names.map((name) => [name, fields[name]])),
  });
  if (error instanceof InvalidFieldError)
    return { reason: "INVALID_FIELD", fields: error.violations.map(({ field }) => field) };
  if (error instanceof TooLargeError)
    return { reason: "TOO_LARGE", fields: error.violations.map(({ field }) => field) };
  if (error instanceof InvalidValueError || error instanceof JsonError) return { reason: "INVALID_VALUE" };
  if (error instanceof RevisionConflictError) return pick("REVISION_CONFLICT", "stream", "expected", "actual");
  if (error instanceof EventIdConflictError) return pick("EVENT_ID_CONFLICT", "id", "stream", "revision", "position");
  if (error instanceof ChecksFailedError) {
    return { ...pick("CHECKS_FAILED", "count", "message"), failed: error.failed.map(failedOf) };
  }
  if (error instanceof StateIdConflictError) return pick("STATE_ID_CONFLICT", "message");
  if (error instanceof StateVersionExpiredError) {
    const { firstVersion: first, lastVersion: last } = error;
    return { ...pick("STATE_VERSION_EXPIRED", "scope", "version", "message"), first, last };
  }
  if (error instanceof StateVersionBeyondEndError) {
    return { ...pick("STATE_VERSION_BEYOND_END", "scope", "version", "message"), last: error.lastVersion };
  }
  if (error instanceof StreamNotFoundError) return pick("STREAM_NOT_FOUND", "stream");
  if (error instanceof StreamTombstonedError) return pick("STREAM_TOMBSTONED", "stream");
  if (error instanceof SnapshotNotFoundError) return pick("SNAPSHOT_NOT_FOUND", "stream");
  if (error instanceof VersionConflictError)
    return pick("VERSION_CONFLICT", error.prefix === undefined ? "stream" : "prefix", "expected", "actual");
  if (error instanceof PositionBeyondHeadError) return pick("POSITION_BEYOND_HEAD", "position", "head");
  if (error instanceof RevisionBeyondEndError) {
    return { ...pick("REVISION_BEYOND_END", "stream", "revision"), last_revision: error.lastRevision };
  }
  return { reason: "OTHER", message: `${error.name}: ${error.message}` };
}

/** Returns a failed check. Of a check that expected no entry, `expected` is left out. */
function failedOf(failed: FailedCheck): Fields {
  if (!("state" in failed)) return { ...failed };
  const { expected, ...state } = failed.state;
  return { index: failed.index, state: { ...state, ...(expected !== "absent" && { expected }) } };
}
