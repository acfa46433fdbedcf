import { Client, newEvent, RevisionConflictError } from "annals-client";

const client = new Client("http://127.0.0.1:2113");

try {
  const event = newEvent("OrderPlaced", { total: 42 }, { tags: ["customer:7"], metadata: { userId: "ada" } });
  const { lastPosition } = await client.append("order-1", "no-stream", [event]);
} catch (error) {
  if (!(error instanceof RevisionConflictError)) throw error;
  // Another client appended first: read again, decide again. error.actual is the stream's revision.
}

for await (const event of client.readStream("order-1")) console.log(event.revision, event.type, event.json());

for await (const item of client.subscribeAll({ after: 0, query: { streamPrefixes: ["order-"] } })) {
  if (item.kind === "event") console.log(item.event.position, item.event.type);
  if (item.kind === "checkpoint") console.log("no further matching events up to", item.position);
}
