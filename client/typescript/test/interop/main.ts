/**
 * Performs the steps of the interoperability cases; see tests/interop/README.md. It reads a line of JSON per step and
 * answers with a line of JSON, until the input ends. It reports unknown steps.
 */
import { createInterface } from "node:readline";

import {
  AnnalsError,
  Client,
  type ExpectedRevision,
  newEvent,
  type Scavenge,
  SnapshotNotFoundError,
  type StateSubscriptionItem,
  StateVersionExpiredError,
  type SubscriptionItem,
  Timestamp,
} from "../../src/index.js";
import {
  appended,
  appendedToMany,
  base64,
  eventsOf,
  failure,
  itemOf,
  prefixRetention,
  retentionInfo,
  stateEntry,
  stateItemOf,
  streamInfo,
} from "./answers.js";
import {
  bytes,
  expectedOf,
  type Fields,
  makeAppend,
  makeCheck,
  makeItem,
  makeRetention,
  makeStateChange,
  makeStateCheck,
  makeWrite,
  readOptions,
  Taken,
  whole,
} from "./steps.js";
import { makeValue } from "./values.js";

/** Returns the outcome of a step: `gives` or `fails`. */
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
let stateSubscriptions = new Map<string, AsyncIterator<StateSubscriptionItem, undefined>>();

/** The actions by name. */
const ACTIONS: Record<string, (fields: Taken) => Promise<Fields>> = {
  connect: (fields) => {
    client.close();
    client = new Client(fields.text("endpoint"));
    subscriptions = new Map();
    stateSubscriptions = new Map();
    return Promise.resolve({});
  },
  server_info: async () => {
    const { version, engine, head, limits } = await client.serverInfo();
    const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return {
      version,
      engine,
      head,
      limits: Object.fromEntries(Object.entries(limits).map(([name, limit]) => [snake(name), limit as unknown])),
    };
  },
  append: async (fields) => {
    const { stream, expected, events } = makeAppend(fields);
    return appended(await client.append(stream, expected, events));
  },
  append_to_many: async (fields) =>
    appendedToMany(
      await client.appendToMany(fields.list("writes", makeWrite), fields.list("checks", makeCheck), {
        stateChanges: fields.list("state_changes", makeStateChange),
        stateChecks: fields.list("state_checks", makeStateCheck),
      }),
    ),
  append_pipeline: async (fields) => {
    const pipeline = client.appendPipeline();
    const waiting = fields
      .list("appends", makeAppend)
      .map(({ stream, expected, events }) => outcome(pipeline.append(stream, expected, events).then(appended)));
    const results = await Promise.all(waiting);
    await pipeline.close();
    return { results };
  },
  json: (fields) =>
    Promise.resolve().then(() => ({ data: base64(newEvent("Odd", makeValue(fields.get("value"))).data) })),
  read_stream: (fields) => eventsOf(client.readStream(fields.text("stream"), readOptions(fields, "until_revision"))),
  read_all: (fields) => eventsOf(client.readAll(readOptions(fields, "until_position"))),
  subscribe: (fields) => {
    const [name, stream] = [fields.text("name"), fields.get("stream")];
    const after = fields.get("from_end") === true ? { after: "end" as const } : fields.some({ after: "after" });
    const options = { ...after, query: fields.list("query", makeItem) };
    const subscription =
      typeof stream === "string" ? client.subscribeStream(stream, options) : client.subscribeAll(options);
    subscriptions.set(name, subscription[Symbol.asyncIterator]());
    return Promise.resolve({});
  },
  take: async (fields) => {
    const [name, count] = [fields.text("name"), fields.number("count")];
    const [ofLog, ofState] = [subscriptions.get(name), stateSubscriptions.get(name)];
    return { items: ofState ? await take(ofState, count, stateItemOf) : await take(ofLog, count, itemOf) };
  },
  unsubscribe: async (fields) => {
    const name = fields.text("name");
    await subscriptions.get(name)?.return?.();
    await stateSubscriptions.get(name)?.return?.();
    return {};
  },
  stream_info: async (fields) => streamInfo(await client.streamInfo(fields.text("stream"))),
  list_streams: async (fields) => {
    const streams: Fields[] = [];
    for await (const stream of client.listStreams((fields.get("prefix") ?? "") as string))
      streams.push(streamInfo(stream));
    return { streams };
  },
  position_at_time: async (fields) => ({
    position: await client.positionAtTime(new Timestamp(fields.number("time"))),
  }),
  set_retention: async (fields) => {
    const retention = whole(fields.get("retention"), makeRetention);
    return retentionInfo(
      await client.setRetention(
        fields.text("stream"),
        retention,
        fields.some({ expected_version: "expectedVersion" }),
      ),
    );
  },
  retention: async (fields) => retentionInfo(await client.retention(fields.text("stream"))),
  set_prefix_retention: async (fields) => {
    const retention = whole(fields.get("retention"), makeRetention);
    return prefixRetention(
      await client.setPrefixRetention(
        fields.text("prefix"),
        retention,
        fields.some({ expected_version: "expectedVersion" }),
      ),
    );
  },
  prefix_retention: async (fields) => prefixRetention(await client.prefixRetention(fields.text("prefix"))),
  prefix_retentions: async () => ({ retentions: (await client.prefixRetentions()).map(prefixRetention) }),
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
    const loaded = await client.loadSnapshot(
      stream,
      fields.some({ at_or_before: "atOrBefore", schema_version: "schemaVersion" }),
    );
    if (loaded === undefined) throw new SnapshotNotFoundError(stream);
    const { revision, schemaVersion, data, savedAt } = loaded;
    return {
      stream: loaded.stream,
      revision,
      schema_version: schemaVersion,
      data: base64(data),
      saved_at: savedAt.epochMicroseconds,
    };
  },
  scavenge: async () => {
    let found: Scavenge | undefined = await client.startScavenge();
    while (found?.state === "running") {
      await new Promise((resolve) => setTimeout(resolve, 20));
      found = await client.scavengeStatus();
    }
    return { streams_done: found?.streamsDone, streams_total: found?.streamsTotal };
  },
  get_state: async (fields) => {
    const entry = await client.getState(fields.text("scope"), fields.text("key"));
    return entry === undefined ? {} : { entry: stateEntry(entry) };
  },
  list_state: async (fields) => {
    const options = fields.some({ prefix: "prefix", after: "after", page_size: "pageSize" });
    const { entries, hasMore, scopeVersion } = await client.listState(fields.text("scope"), options);
    return { entries: entries.map(stateEntry), has_more: hasMore, scope_version: scopeVersion };
  },
  write_state: async (fields) => {
    const checks = fields.list("checks", makeStateCheck);
    const options = { checks, ...fields.some({ id: "id" }) };
    const written = await client.writeState(fields.list("changes", makeStateChange), options);
    return {
      versions: written.versions,
      changed_at: written.changedAt.epochMicroseconds,
      already_written: written.alreadyWritten,
    };
  },
  update_state: async (fields) => {
    const [scope, key, data] = [fields.text("scope"), fields.text("key"), fields.get("data")];
    const appended = (value: Uint8Array | undefined) =>
      data === undefined ? undefined : Buffer.concat([value ?? new Uint8Array(), bytes(data)]);
    const entry = await client.updateState(scope, key, appended);
    return entry === undefined ? {} : { version: entry.version };
  },
  subscribe_state: async (fields) => {
    const options = fields.some({ prefix: "prefix", after_version: "after" });
    const [name, scope] = [fields.text("name"), fields.text("scope")];
    const subscription = client.subscribeState(scope, options)[Symbol.asyncIterator]();
    // It begins, or is refused, when it is first used. There is always a first item.
    let first: ReturnType<typeof subscription.next> | undefined = subscription.next();
    await first;
    stateSubscriptions.set(name, {
      next: () => {
        const item = first ?? subscription.next();
        first = undefined;
        return item;
      },
      ...(subscription.return && { return: () => subscription.return!() }),
    });
    return {};
  },
  state_version_expired: (fields) => {
    const [version, first, last] = [fields.number("version"), fields.number("first"), fields.number("last")];
    return Promise.reject(new StateVersionExpiredError(fields.text("scope"), version, first, last));
  },
};

/** Takes the next items of a subscription. */
async function take<T>(
  subscription: AsyncIterator<T, undefined> | undefined,
  count: number,
  answer: (item: T) => Fields,
): Promise<Fields[]> {
  const items: Fields[] = [];
  while (items.length < count) {
    const taken = await subscription?.next();
    if (taken?.value === undefined) throw new TypeError("there is no such subscription");
    items.push(answer(taken.value));
  }
  return items;
}

/** Performs a step, or reports that it is unknown. */
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
