/**
 * Measures how many events per second this client appends and reads: `npm run bench [-- EVENTS]`, against a server
 * that it starts on the embedded engine, or against ANNALS_ENDPOINT.
 */
import { Client, newEvent } from "../src/index.js";
import { TestServer } from "../src/testing/index.js";

const EVENTS = Number(process.argv[2] ?? 200_000);
const BATCH = 100;
/** 256 bytes of JSON. */
const DATA = Buffer.from(JSON.stringify("A".repeat(254)));

/** Prints the wall-clock rate, and this process's CPU time per event, which is less sensitive to other load. */
async function timed(what: string, body: () => Promise<number>): Promise<void> {
  const [begun, before] = [performance.now(), process.cpuUsage()];
  const events = await body();
  const rate = Math.round(events / ((performance.now() - begun) / 1_000));
  const { user, system } = process.cpuUsage(before);
  const cpu = ((user + system) / events).toFixed(1);
  console.log(
    `${what.padEnd(34)} ${events.toLocaleString("en").padStart(9)} events ` +
      `${rate.toLocaleString("en").padStart(9)} events/s ${cpu.padStart(6)} µs CPU/event`,
  );
}

const batch = () => Array.from({ length: BATCH }, () => newEvent("Measured", DATA, { tags: ["sensor:7"] }));

async function unary(client: Client, appends: number, workers: number): Promise<number> {
  let left = appends;
  const work = async (stream: string) => {
    while (left > 0) {
      left -= 1;
      await client.append(stream, "any", batch());
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(`unary-${worker}`)));
  return appends * BATCH;
}

async function pipeline(client: Client, appends: number): Promise<number> {
  function* source() {
    for (let n = 0; n < appends; n += 1)
      yield { stream: `pipeline-${n % 100}`, expected: "any" as const, events: batch() };
  }
  let events = 0;
  for await (const appended of client.appendEach(source(), { appendsMax: 64 }))
    events += appended.lastRevision - appended.firstRevision + 1;
  return events;
}

async function subscribed(client: Client): Promise<number> {
  let events = 0;
  for await (const item of client.subscribeAll()) {
    if (item.kind === "event") events += 1;
    else if (item.kind === "caught-up") break;
  }
  return events;
}

async function read(client: Client): Promise<number> {
  let last = 0;
  for await (const event of client.readAll()) last = event.position;
  return last;
}

async function main(): Promise<void> {
  const given = process.env["ANNALS_ENDPOINT"];
  await using server = given === undefined ? await TestServer.start({ engine: "embedded" }) : undefined;
  using client = new Client(given ?? server?.endpoint ?? []);
  await unary(client, 50, 4);
  await timed(`append of ${BATCH}, one after the other`, () => unary(client, EVENTS / BATCH / 4, 1));
  await timed(`append of ${BATCH}, 16 at once`, () => unary(client, EVENTS / BATCH, 16));
  await timed(`append of ${BATCH}, appendEach`, () => pipeline(client, EVENTS / BATCH));
  for (let round = 0; round < 3; round += 1) await timed("read all", () => read(client));
  await timed("subscribe to all until caught up", () => subscribed(client));
}

await main();
