/**
 * Crash tests: kills the server and the projection with SIGKILL at random moments. The read model must equal the log,
 * with no event applied twice or skipped. `ANNALS_CRASH_ROUNDS` sets the number of kills; 50 demonstrate the
 * toolkit's guarantees.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import type { Client } from "../../src/index.js";
import { TestServer } from "../../src/testing/index.js";
import { StateStore, waitForProjection } from "../../src/toolkit/index.js";
import { PostgresStore } from "../../src/toolkit/postgres.js";
import { SqliteStore } from "../../src/toolkit/sqlite.js";
import { type Random, seeded } from "../random.js";
import { orders } from "./orders.js";
import { openSqlite, postgres, stateTotals } from "./stores.js";

const ROUNDS = Number(process.env["ANNALS_CRASH_ROUNDS"] ?? 6);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function projector(server: TestServer, kind: string, where: string): ChildProcess {
  return spawn(
    process.execPath,
    [fileURLToPath(new URL("projector.js", import.meta.url)), server.endpoint, kind, where],
    { stdio: "inherit" },
  );
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

/** Appends until `over` returns true; returns the position of the last event. */
async function append(client: Client, over: () => boolean): Promise<number> {
  let last = 0;
  for (let n = 0; !over(); n += 1) {
    const events = Array.from({ length: 1 + (n % 20) }, (_, i) =>
      orders.encode({ type: "ItemAdded", data: { item: "tea", cents: 1 + ((n + i) % 9) } }),
    );
    ({ lastPosition: last } = await client.append(`order-${n % 13}`, "any", events));
    await pause(15);
  }
  return last;
}

/**
 * Kills server or projection in turn while events are appended; returns the position of the last. The projection is
 * running at the end.
 */
async function torment(
  server: TestServer,
  client: Client,
  random: Random,
  kind: string,
  where: string,
): Promise<number> {
  let over = false;
  const appended = append(client, () => over);
  let running = projector(server, kind, where);
  for (let round = 0; round < ROUNDS; round += 1) {
    await pause(random() * 800);
    if (random() < 0.5) {
      await server.kill();
      await server.start();
    } else {
      await kill(running);
      running = projector(server, kind, where);
    }
  }
  over = true;
  children.push(running);
  return appended;
}

const children: ChildProcess[] = [];

/** Computes the expected totals from the log. */
async function fromLog(client: Client): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for await (const event of client.readAll()) {
    sums[event.stream] = (sums[event.stream] ?? 0) + event.json<{ cents: number }>().cents;
  }
  return sums;
}

test("sqlite: the read model equals the log after random kills", async (context) => {
  await using server = await TestServer.start({ engine: "embedded" });
  const client = server.client({ timeoutMs: 60_000 });
  const folder = await mkdtemp(join(tmpdir(), "annals-crash-"));
  const path = join(folder, "read-model.db");
  try {
    const last = await torment(server, client, seeded(context), "sqlite", path);
    const database = openSqlite(path);
    await waitForProjection(new SqliteStore(database), "totals", last, { timeoutMs: 60_000 });
    const rows = database.prepare("SELECT stream, cents FROM totals").all() as { stream: string; cents: number }[];
    assert.deepEqual(Object.fromEntries(rows.map(({ stream, cents }) => [stream, cents])), await fromLog(client));
    database.close();
  } finally {
    await Promise.all(children.splice(0).map(kill));
    await rm(folder, { recursive: true, force: true });
  }
});

test("postgres: the read model equals the log after random kills", async (context) => {
  const opened = await postgres();
  if (opened === undefined) {
    context.skip("no PostgreSQL is installed");
    return;
  }
  await using kind = opened;
  await using server = await TestServer.start({ engine: "embedded" });
  const client = server.client({ timeoutMs: 60_000 });
  try {
    const last = await torment(server, client, seeded(context), "postgres", JSON.stringify(kind.connection));
    assert.ok(kind.store instanceof PostgresStore);
    await waitForProjection(kind.store, "totals", last, { timeoutMs: 60_000 });
    assert.deepEqual(await kind.totals(), await fromLog(client));
  } finally {
    await Promise.all(children.splice(0).map(kill));
  }
});

test("state: the read model equals the log after random kills of two projections", async (context) => {
  await using server = await TestServer.start({ engine: "embedded" });
  const client = server.client({ timeoutMs: 60_000 });
  // A second process with the same projection, which is not killed.
  children.push(projector(server, "state", ""));
  try {
    const last = await torment(server, client, seeded(context), "state", "");
    const store = new StateStore(client);
    await waitForProjection(store, "totals", last, { timeoutMs: 60_000 });
    assert.deepEqual(await stateTotals(store), await fromLog(client));
  } finally {
    await Promise.all(children.splice(0).map(kill));
  }
});
