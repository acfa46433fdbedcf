/** Creates language-specific values from descriptions in the interoperability cases. */
import { RecordedEvent, Timestamp } from "../../src/index.js";
import type { Fields } from "./steps.js";

/** Functions that create a value, by the name in its description. */
const KINDS: Record<string, (given: unknown) => unknown> = {
  number: (given) => Number(given),
  integer: (given) => BigInt(given as string),
  json: (given) => decoded(given as string),
  string: (given) =>
    String.fromCharCode(...((given as string).match(/.{4}/g) ?? []).map((unit) => parseInt(unit, 16))),
  bytes: (given) => new Uint8Array(Buffer.from(given as string, "hex")),
  float64s: (given) => Float64Array.from(given as number[]),
  date: (given) => new Date(Math.floor((given as number) / 1_000)),
  undefined: () => undefined,
  object: (given) =>
    Object.fromEntries(Object.entries(given as Fields).map(([name, value]) => [name, makeValue(value)])),
  nested: (given) => nested(given as number),
};

/** Creates the described value. */
export function makeValue(description: unknown): unknown {
  const [[kind, given] = ["nothing", undefined], ...more] = Object.entries(description as Fields);
  const make = KINDS[kind];
  if (make === undefined || more.length > 0) throw new TypeError(`unknown: a value of ${kind}`);
  return make(given);
}

/** Decodes JSON like the client. */
function decoded(json: string): unknown {
  return new RecordedEvent("", "", 0, 1, "Odd", Buffer.from(json), new Uint8Array(), [], Timestamp.now()).json();
}

function nested(levels: number): unknown {
  let value: unknown[] = [];
  for (let level = 1; level < levels; level += 1) value = [value];
  return value;
}
