/**
 * Converts steps of the interoperability cases to arguments of the client. Fields are taken by name; fields that are
 * left over are an error.
 */
import {
  type Check,
  type ExpectedRevision,
  newEvent,
  type NewEvent,
  type QueryItem,
  type Retention,
  type StateChange,
  type StateCheck,
  Timestamp,
  type Write,
} from "../../src/index.js";

export type Fields = Record<string, unknown>;

/** Fields of a JSON object, each taken once. */
export class Taken {
  readonly #left: Map<string, unknown>;

  constructor(fields: unknown) {
    this.#left = new Map(Object.entries(fields as Fields));
  }

  get(name: string): unknown {
    const value = this.#left.get(name);
    this.#left.delete(name);
    return value;
  }

  /** Takes a required text field. */
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

  /** Takes those of these fields that are present, and returns them under other names. */
  some(names: Record<string, string>): Fields {
    const there = Object.entries(names).map(([name, as]) => [as, this.get(name)] as const);
    return Object.fromEntries(there.filter(([, value]) => value !== undefined));
  }

  end(): void {
    const names = [...this.#left.keys()];
    if (names.length > 0) throw new TypeError(`unknown: ${names.join(", ")}`);
  }
}

/** Converts fields, all of which must be taken. */
export function whole<T>(fields: unknown, make: (fields: Taken) => T): T {
  const taken = new Taken(fields);
  const made = make(taken);
  taken.end();
  return made;
}

export function makeEvent(fields: Taken): NewEvent {
  const data = bytes(fields.get("data"));
  const options = fields.some({ id: "id", tags: "tags", content_type: "contentType" });
  return newEvent(fields.text("type"), data, { ...options, metadata: bytes(fields.get("metadata")) });
}

export function bytes(base64: unknown): Uint8Array {
  return new Uint8Array(Buffer.from((base64 ?? "") as string, "base64"));
}

export function expectedOf(fields: Taken): ExpectedRevision {
  return (fields.get("expected") ?? "any") as ExpectedRevision;
}

export function makeAppend(fields: Taken): { stream: string; expected: ExpectedRevision; events: NewEvent[] } {
  return { stream: fields.text("stream"), expected: expectedOf(fields), events: fields.list("events", makeEvent) };
}

export function makeWrite(fields: Taken): Write {
  return {
    stream: fields.text("stream"),
    events: fields.list("events", makeEvent),
    ...fields.some({ expected: "expected" }),
  };
}

export function makeCheck(fields: Taken): Check {
  const { noMatch, stream } = fields.some({ no_match: "noMatch", stream: "stream" });
  if (noMatch === undefined) return { stream: stream as string, expected: expectedOf(fields) };
  return { noMatch: (noMatch as unknown[]).map((item) => whole(item, makeItem)), after: fields.number("after") };
}

export function makeStateChange(fields: Taken): StateChange {
  const entry = { scope: fields.text("scope"), key: fields.text("key") };
  const data = fields.get("data");
  return data === undefined ? { ...entry, delete: true } : { ...entry, put: bytes(data) };
}

export function makeStateCheck(fields: Taken): StateCheck {
  const expected = (fields.get("version") ?? "absent") as StateCheck["expected"];
  return { scope: fields.text("scope"), key: fields.text("key"), expected };
}

export function makeItem(fields: Taken): QueryItem {
  const names = {
    types: "types",
    type_prefixes: "typePrefixes",
    streams: "streams",
    stream_prefixes: "streamPrefixes",
    tags: "tags",
  };
  return fields.some(names);
}

export function makeRetention(fields: Taken): Retention {
  const seconds = fields.get("max_age_seconds");
  return {
    ...fields.some({ max_count: "maxCount", truncate_before: "truncateBefore" }),
    ...(seconds !== undefined && { maxAge: { seconds: seconds as number } }),
  };
}

/** Takes the options of a read. `until` is `until_revision` or `until_position`, as in the protocol. */
export function readOptions(fields: Taken, until: string): Fields {
  const micros = fields.get("until_time");
  return {
    ...fields.some({ from: "from", limit: "limit", backwards: "backwards", [until]: "until" }),
    query: fields.list("query", makeItem),
    ...(micros !== undefined && { untilTime: new Timestamp(micros as number) }),
  };
}
