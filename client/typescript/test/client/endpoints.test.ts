/** Tests of endpoints that answer, but not in gRPC. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import { Client, newEvent } from "../../src/index.js";
import { TestServer } from "../../src/testing/index.js";

/** Asserts that every kind of call to the endpoint fails with an InvalidEndpointError. */
async function assertRefused(endpoint: string): Promise<void> {
  const refusal = {
    name: "InvalidEndpointError",
    endpoint,
    message:
      `${JSON.stringify(endpoint)} answers HTTP/1.1: it is the port for health and metrics; gRPC listens ` +
      "on another port (2113 by default)",
  };
  using client = new Client(endpoint);
  await assert.rejects(client.serverInfo(), refusal);
  await assert.rejects(client.append("order-1", "any", [newEvent("OrderPlaced")]), refusal);
  await assert.rejects(client.readAll().toArray(), refusal);
  await assert.rejects(client.subscribeAll().batches().next(), refusal);
  await assert.rejects(client.appendPipeline().append("order-1", "any", [newEvent("OrderPlaced")]), refusal);
}

test("the port for health and metrics is reported as such at once", async () => {
  await using server = await TestServer.start();
  await assertRefused(server.httpEndpoint);
  await assertRefused(server.httpEndpoint.replace("http:", "https:"));
  assert.equal((await server.client().serverInfo()).engine, "memory");
});

test("a server that answers only HTTP/1.1 is reported as such", async () => {
  const server = createServer((_, response) => response.end("hello"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await assertRefused(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.close();
  }
});

test("a client fails over to an endpoint that speaks gRPC", async () => {
  await using server = await TestServer.start();
  using client = new Client({ endpoints: [server.httpEndpoint, server.endpoint], shuffleEndpoints: false });
  await assert.rejects(client.serverInfo(), { name: "InvalidEndpointError" });
  assert.equal((await client.serverInfo()).engine, "memory");
});
