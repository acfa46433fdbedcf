/** Tests of the example of a work queue, of which one worker is killed. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { TestServer } from "annals-client/testing";

const MAIN = fileURLToPath(new URL("../../examples/workers/main.js", import.meta.url));

test("workers: the others do the work of a killed worker, and what can't be processed is parked", async () => {
  await using server = await TestServer.start();
  const env = { ...process.env, ANNALS_ENDPOINT: server.endpoint };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN], { env, timeout: 120_000 });
  assert.equal(stderr, "");
  const made = [...stdout.matchAll(/^(worker-\d) made a thumbnail of (\d+)\.png(, attempt \d+)?$/gm)];
  assert.equal(new Set(made.map(([, , file]) => file)).size, 199);
  const [before = "", after = ""] = stdout.split("worker-1 was killed; the others get what it held\n");
  assert.ok(before.length + after.length < stdout.length, stdout);
  assert.match(after, /^worker-[23] made a thumbnail of \d+\.png, attempt 2$/m);
  assert.match(stdout, /^parked: notes\.txt is not a picture$/m);
});
