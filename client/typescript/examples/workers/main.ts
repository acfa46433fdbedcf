/**
 * A work queue: three workers, which are processes of their own, share the work of a consumer group, and one of them is
 * killed. `npm run workers`, or `node dist/examples/workers/main.js [work NAME]`.
 */
import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { Client, type GroupStatus, newEvent, newId, Park } from "annals-client";

const GROUP = "thumbnails";
const client = new Client(process.env["ANNALS_ENDPOINT"] ?? "http://127.0.0.1:2113");

/** A worker: makes thumbnails until it gets SIGTERM. */
async function work(name: string): Promise<void> {
  const consumer = client.consume(
    GROUP,
    async ({ event, attempt }) => {
      const { file } = event.json<{ file: string }>();
      // An event that can't ever be processed. If a handler throws, the event is retried instead.
      if (!file.endsWith(".png")) return new Park(`${file} is not a picture`);
      await pause(50);
      console.log(`${name} made a thumbnail of ${file}${attempt > 1 ? `, attempt ${attempt}` : ""}`);
      return undefined; // Done: the event is acked.
    },
    { consumer: name, concurrency: 4 },
  );
  process.once("SIGTERM", () => void consumer.stop()); // Finishes its thumbnails, and returns the rest to the group.
  await consumer.ended;
}

/** Starts the workers, uploads pictures, kills one of the workers while it holds some, and waits until all is done. */
async function main(): Promise<void> {
  await client.createGroup(GROUP, { query: { types: ["PictureUploaded"] } }, { start: "end" });
  const workers = new Map<string, ChildProcess>();
  for (const name of ["worker-1", "worker-2", "worker-3"]) {
    workers.set(name, fork(fileURLToPath(import.meta.url), ["work", name]));
  }
  await until(({ consumers }) => consumers.length === workers.size);
  const album = newId();
  for (let n = 0; n < 200; n += 1) {
    const upload = newEvent("PictureUploaded", { file: n === 50 ? "notes.txt" : `${n}.png` });
    await client.append(`picture-${album}-${n}`, "no-stream", [upload]);
  }
  await until(({ consumers }) => consumers.some(({ name, inFlight }) => name === "worker-1" && inFlight > 0));
  workers.get("worker-1")?.kill("SIGKILL");
  console.log("worker-1 was killed; the others get what it held");
  await until(({ lagEvents, inFlight, retrying }) => lagEvents + inFlight + retrying === 0);
  for (const name of ["worker-2", "worker-3"]) {
    workers.get(name)?.kill("SIGTERM");
  }
  for await (const { reason } of client.listParked(GROUP)) console.log(`parked: ${reason}`);
}

/** Waits until something holds for the group. */
async function until(holds: (status: GroupStatus) => boolean): Promise<void> {
  while (!holds(await client.describeGroup(GROUP))) await pause(10);
}

const [command, name = "worker"] = process.argv.slice(2);
await (command === "work" ? work(name) : main());
client.close();
