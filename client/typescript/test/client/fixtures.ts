/** Shared functions of the client's tests. */
import assert from "node:assert/strict";

import { type Client, newEvent, type NewEvent } from "../../src/index.js";
import type { TestServer } from "../../src/testing/index.js";

/** Creates `count` events, numbered from `from`, each tagged with its number. */
export function numbered(from: number, count: number, type: (n: number) => string = () => "Numbered"): NewEvent[] {
  return Array.from({ length: count }, (_, n) =>
    newEvent(type(from + n), { n: from + n }, { tags: [`n:${from + n}`] }),
  );
}

/** Returns the number of open calls at the server, from its metrics. */
export async function openCalls(server: TestServer): Promise<number> {
  const metrics = await (await fetch(`${server.httpEndpoint}/metrics`)).text();
  const found = /^annals_grpc_calls_open (\d+)$/m.exec(metrics)?.[1];
  assert.ok(found !== undefined, metrics);
  return Number(found);
}

/** Waits until this many calls are open at the server. */
export async function untilOpen(server: TestServer, calls: number): Promise<void> {
  for (let tries = 0; (await openCalls(server)) !== calls; tries += 1) {
    assert.ok(tries < 1_000, `${await openCalls(server)} calls are open, not ${calls}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Appends more than fits into the buffers of a call that is not read: 24 MiB. */
export async function appendMuch(client: Client, stream: string): Promise<void> {
  const data = new Uint8Array(8 * 1_024);
  for (let append = 0; append < 12; append += 1) {
    await client.append(
      stream,
      "any",
      Array.from({ length: 256 }, () => newEvent("Much", data)),
    );
  }
}

/** Waits until something holds, for 20 s at most. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; !(await holds()); ) {
    assert.ok(Date.now() < end, `not within 20 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Returns everything that a generator yields. */
export async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** Returns a promise, and the function that resolves it. */
export function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((resolved) => {
    resolve = resolved;
  });
  return { promise, resolve };
}
