/**
 * Performs steps of the interoperability cases; see tests/interop/README.md. A line of JSON in, a line of JSON out, until the
 * input ends. Every argument and field is taken by name, and what is left over is told as unknown.
 */
import { createInterface } from "node:readline";

import {
  AnnalsError,
  type Appended,
  type AppendedToMany,
  type Check,
  ChecksFailedError,
  Client,
  EventIdConflictError,
  type ExpectedRevision,
  InvalidFieldError,
  newEvent,
  type NewEvent,
  PositionBeyondHeadError,
  type QueryItem,
  type Read,
  type RecordedEvent,
  type Retention,
  type RetentionInfo,
  RevisionBeyondEndError,
  RevisionConflictError,
  SnapshotNotFoundError,
  type StreamInfo,
  StreamNotFoundError,
  StreamTombstonedError,
  type SubscriptionItem,
  Timestamp,
  TooLargeError,
  VersionConflictError,
  type Write,
} from "../src/index.js";

type Fields = Record<string, unknown>;

/** Arguments or fields of JSON, each taken once. */
class Taken {
  readonly #left: Map<string, unknown>;

  constructor(fields: unknown) {
    this.#left = new Map(Object.entries(fields as Fields));
  }

  get(name: string): unknown {
    const value = this.#left.get(name);
    this.#left.delete(name);
    return value;
  }

  /** Of an argument that must be there. */
  text(name: string): string {
    const value = this.get(name);
    if (typeof value !== "string") throw new TypeError(`${name} must be text`);
    return value;
  }

  number(name: string): number {
    const value = this.get(name);
    if (typeof value !== "number") throw new TypeError(`${name} must be a number`);
    return value;
  }

  list<T>(name: string, make: (fields: Taken) => T): T[] {
    return ((this.get(name) ?? []) as unknown[]).map((fields) => whole(fields, make));
  }

  /** Those of these that are there, as an object with other names. */
  some(names: Record<string, string>): Fields {
    const there = Object.entries(names).map(([name, as]) => [as, this.get(name)] as const);
    return Object.fromEntries(there.filter(([, value]) => value !== undefined));
  }

  end(): void {
    const names = [...this.#left.keys()];
    if (names.length > 0) throw new TypeError(`unknown: ${names.join(", ")}`);
  }
}

/** Makes something of fields, all of which must be taken. */
function whole<T>(fields: unknown, make: (fields: Taken) => T): T {
  const taken = new Taken(fields);
  const made = make(taken);
  taken.end();
  return made;
}

// From steps

function makeEvent(fields: Taken): NewEvent {
  const data = bytes(fields.get("data"));
  const options = fields.some({ id: "id", tags: "tags" });
  return newEvent(fields.text("type"), data, { ...options, metadata: bytes(fields.get("metadata")) });
}

function bytes(base64: unknown): Uint8Array {
  return new Uint8Array(Buffer.from((base64 ?? "") as string, "base64"));
}

function expectedOf(fields: Taken): ExpectedRevision {
  return (fields.get("expected") ?? "any") as ExpectedRevision;
}

function makeAppend(fields: Taken): { stream: string; expected: ExpectedRevision; events: NewEvent[] } {
  return { stream: fields.text("stream"), expected: expectedOf(fields), events: fields.list("events", makeEvent) };
}

function makeWrite(fields: Taken): Write {
  return { stream: fields.text("stream"), events: fields.list("events", makeEvent) };
}

function makeCheck(fields: Taken): Check {
  const { noMatch, stream } = fields.some({ no_match: "noMatch", stream: "stream" });
  if (noMatch === undefined) return { stream: stream as string, expected: expectedOf(fields) };
  return { noMatch: (noMatch as unknown[]).map((item) => whole(item, makeItem)), after: fields.number("after") };
}

function makeItem(fields: Taken): QueryItem {
  const names = { types: "types", type_prefixes: "typePrefixes", streams: "streams", stream_prefixes: "streamPrefixes", tags: "tags" };
  return fields.some(names);
}

function makeRetention(fields: Taken): Retention {
  return fields.some({ max_count: "maxCount", max_age_seconds: "maxAgeSeconds", truncate_before: "truncateBefore" });
}

/** What reads have in common. `until` is what the protocol's `until_revision` or `until_position` is here. */
function readOptions(fields: Taken, until: string): Fields {
  const micros = fields.get("until_time");
  return {
    ...fields.some({ from: "from", limit: "limit", backwards: "backwards", [until]: "until" }),
    query: fields.list("query", makeItem),
    ...(micros !== undefined && { untilTime: new Timestamp(micros as number) }),
  };
}

// To answers

function base64(data: Uint8Array): string {
  return Buffer.from(data).toString("base64");
}

function appended(done: Appended): Fields {
  return {
    first_revision: done.firstRevision,
    last_revision: done.lastRevision,
    first_position: done.firstPosition,
    last_position: done.lastPosition,
    recorded_at: done.recordedAt.epochMicroseconds,
    already_appended: done.alreadyAppended,
  };
}

function appendedToMany(done: AppendedToMany): Fields {
  return {
    first_position: done.firstPosition,
    last_position: done.lastPosition,
    recorded_at: done.recordedAt.epochMicroseconds,
    already_appended: done.alreadyAppended,
    streams: done.streams.map(({ stream, firstRevision, lastRevision }) => ({ stream, first_revision: firstRevision, last_revision: lastRevision })),
  };
}

function recorded(event: RecordedEvent): Fields {
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
  };
}

async function eventsOf(read: Read): Promise<Fields> {
  const { head, lastRevision } = await read.begin();
  return { head, last_revision: lastRevision, events: (await read.toArray()).map(recorded) };
}

function itemOf(item: SubscriptionItem): Fields {
  return item.kind === "event" ? { event: recorded(item.event) } : { [item.kind.replace("-", "_")]: item.position };
}

function retentionOf({ maxCount, maxAgeSeconds, truncateBefore = 0 }: Retention): Fields {
  return { max_count: maxCount, max_age_seconds: maxAgeSeconds, truncate_before: truncateBefore };
}

function retentionInfo({ retention, version, tombstoned }: RetentionInfo): Fields {
  return { retention: retentionOf(retention), version, tombstoned };
}

function streamInfo(stream: StreamInfo): Fields {
  return {
    name: stream.name,
    first_revision: stream.firstRevision,
    last_revision: stream.lastRevision,
    first_position: stream.firstPosition,
    last_position: stream.lastPosition,
    created_at: stream.createdAt.epochMicroseconds,
    retention: retentionOf(stream.retention),
  };
}

/** An error by its reason, with the fields that the client's error has. */
function failure(error: AnnalsError): Fields {
  const fields = error as unknown as Fields;
  const pick = (reason: string, ...names: string[]) => ({ reason, ...Object.fromEntries(names.map((name) => [name, fields[name]])) });
  if (error instanceof InvalidFieldError) return { reason: "INVALID_FIELD", fields: error.violations.map(({ field }) => field) };
  if (error instanceof TooLargeError) return { reason: "TOO_LARGE", fields: error.violations.map(({ field }) => field) };
  if (error instanceof RevisionConflictError) return pick("REVISION_CONFLICT", "stream", "expected", "actual");
  if (error instanceof EventIdConflictError) return pick("EVENT_ID_CONFLICT", "id", "stream", "revision", "position");
  if (error instanceof ChecksFailedError) return pick("CHECKS_FAILED", "count", "failed");
  if (error instanceof StreamNotFoundError) return pick("STREAM_NOT_FOUND", "stream");
  if (error instanceof StreamTombstonedError) return pick("STREAM_TOMBSTONED", "stream");
  if (error instanceof SnapshotNotFoundError) return pick("SNAPSHOT_NOT_FOUND", "stream");
  if (error instanceof VersionConflictError) return pick("VERSION_CONFLICT", "stream", "expected", "actual");
  if (error instanceof PositionBeyondHeadError) return pick("POSITION_BEYOND_HEAD", "position", "head");
  if (error instanceof RevisionBeyondEndError) {
    return { ...pick("REVISION_BEYOND_END", "stream", "revision"), last_revision: error.lastRevision };
  }
  return { reason: "OTHER", message: `${error.name}: ${error.message}` };
}

/** What comes of it: `gives` or `fails`. */
async function outcome(work: Promise<Fields>): Promise<Fields> {
  try {
    return { gives: await work };
  } catch (error) {
    if (!(error instanceof AnnalsError)) throw error;
    return { fails: failure(error) };
  }
}

/** The client of the last `connect`, and its subscriptions. */
let client = new Client("http://127.0.0.1:2113");
let subscriptions = new Map<string, AsyncIterator<SubscriptionItem, undefined>>();

/** What is done for each action. */
const ACTIONS: Record<string, (fields: Taken) => Promise<Fields>> = {
  connect: (fields) => {
    client.close();
    client = new Client(fields.text("endpoint"));
    subscriptions = new Map();
    return Promise.resolve({});
  },
  server_info: async () => {
    const { version, engine, head, limits } = await client.serverInfo();
    const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return { version, engine, head, limits: Object.fromEntries(Object.entries(limits).map(([name, limit]) => [snake(name), limit as unknown])) };
  },
  append: async (fields) => {
    const { stream, expected, events } = makeAppend(fields);
    return appended(await client.append(stream, expected, events));
  },
  append_to_many: async (fields) => appendedToMany(await client.appendToMany(fields.list("writes", makeWrite), fields.list("checks", makeCheck))),
  append_session: async (fields) => {
    const session = client.appendSession();
    const waiting = fields.list("appends", makeAppend).map(({ stream, expected, events }) => outcome(session.append(stream, expected, events).then(appended)));
    const results = await Promise.all(waiting);
    await session.close();
    return { results };
  },
  read_stream: (fields) => eventsOf(client.readStream(fields.text("stream"), readOptions(fields, "until_revision"))),
  read_all: (fields) => eventsOf(client.readAll(readOptions(fields, "until_position"))),
  subscribe: (fields) => {
    const [name, stream] = [fields.text("name"), fields.get("stream")];
    const after = fields.get("from_end") === true ? { after: "end" as const } : fields.some({ after: "after" });
    const options = { ...after, query: fields.list("query", makeItem) };
    const subscription = typeof stream === "string" ? client.subscribeStream(stream, options) : client.subscribeAll(options);
    subscriptions.set(name, subscription[Symbol.asyncIterator]());
    return Promise.resolve({});
  },
  take: async (fields) => {
    const subscription = subscriptions.get(fields.text("name"));
    const items: Fields[] = [];
    for (let left = fields.number("count"); left > 0; left -= 1) {
      const taken = await subscription?.next();
      if (taken?.value === undefined) throw new TypeError("there is no such subscription");
      items.push(itemOf(taken.value));
    }
    return { items };
  },
  unsubscribe: async (fields) => {
    await subscriptions.get(fields.text("name"))?.return?.();
    return {};
  },
  stream_info: async (fields) => streamInfo(await client.streamInfo(fields.text("stream"))),
  list_streams: async (fields) => {
    const streams: Fields[] = [];
    for await (const stream of client.listStreams((fields.get("prefix") ?? "") as string)) streams.push(streamInfo(stream));
    return { streams };
  },
  position_at: async (fields) => ({ position: await client.positionAtTime(new Timestamp(fields.number("time"))) }),
  set_retention: async (fields) => {
    const retention = whole(fields.get("retention"), makeRetention);
    return retentionInfo(await client.setRetention(fields.text("stream"), retention, fields.some({ expected_version: "expectedVersion" })));
  },
  retention: async (fields) => retentionInfo(await client.retention(fields.text("stream"))),
  delete_stream: async (fields) => {
    const expected = expectedOf(fields) as Exclude<ExpectedRevision, "no-stream">;
    const { lastRevision, position, alreadyDeleted } = await client.deleteStream(fields.text("stream"), expected);
    return { last_revision: lastRevision, position, already_deleted: alreadyDeleted };
  },
  tombstone_stream: async (fields) => {
    const { position, alreadyTombstoned } = await client.tombstoneStream(fields.text("stream"), expectedOf(fields));
    return { position, already_tombstoned: alreadyTombstoned };
  },
  save_snapshot: async (fields) => {
    const data = bytes(fields.text("data"));
    const options = fields.some({ schema_version: "schemaVersion", keep: "keep" });
    await client.saveSnapshot(fields.text("stream"), fields.number("revision"), data, options);
    return {};
  },
  load_snapshot: async (fields) => {
    const stream = fields.text("stream");
    const loaded = await client.loadSnapshot(stream, fields.some({ at_or_before: "atOrBefore", schema_version: "schemaVersion" }));
    if (loaded === undefined) throw new SnapshotNotFoundError(stream);
    const { revision, schemaVersion, data, savedAt } = loaded;
    return { stream: loaded.stream, revision, schema_version: schemaVersion, data: base64(data), saved_at: savedAt.epochMicroseconds };
  },
  scavenge: async () => {
    let found = await client.startScavenge();
    while (found.state === "running") {
      await new Promise((resolve) => setTimeout(resolve, 20));
      found = await client.scavenge();
    }
    return { streams_done: found.streamsDone, streams_total: found.streamsTotal };
  },
};

/** Performs a step, or says that it is not known how. */
async function perform(line: string): Promise<Fields> {
  try {
    return await whole(JSON.parse(line), async (step) => {
      const name = step.text("do");
      const fields = new Taken(step.get("with"));
      const action = ACTIONS[name];
      if (action === undefined) throw new TypeError(`unknown: ${name}`);
      const answer = await outcome(action(fields));
      fields.end();
      return answer;
    });
  } catch (error) {
    return { unknown: String(error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await perform(line))}\n`);
}
client.close();
