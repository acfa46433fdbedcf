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

let checkpoint = 0; // the last position handled; 0 at the first start
const query = { types: ["OrderPlaced"], streamPrefixes: ["order-"] };
for await (const item of client.subscribeAll({ after: checkpoint, query })) {
  if (item.kind === "event") console.log(item.event.position, item.event.type, item.event.json());
  // Store it together with the changes. A subscription to a stream resumes after a revision: item.event.revision, or
  // item.revision of the other kinds of item ("caught-up", "checkpoint", "fell-behind").
  checkpoint = item.kind === "event" ? item.event.position : item.position;
}
