/**
 * The inventory as a program: `node dist/examples/inventory/main.js [--endpoint URI] [--listen HOST:PORT] [--database
 * FILE]`. It logs to standard output, and shuts down gracefully on SIGINT and SIGTERM.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { Client } from "annals-client";

import { serve } from "./http.js";
import { Inventory } from "./inventory.js";
import { logTo } from "./log.js";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { endpoint: { type: "string" }, listen: { type: "string" }, database: { type: "string" } },
  });
  const log = logTo((line) => process.stdout.write(line));
  // Without a given file, the read models are rebuilt from the log at every start.
  const given = values.database ?? process.env["INVENTORY_DATABASE"];
  const folder = given === undefined ? mkdtempSync(join(tmpdir(), "annals-inventory-")) : undefined;
  const { hostname, port } = new URL(
    `http://${values.listen ?? process.env["INVENTORY_LISTEN"] ?? "127.0.0.1:8080"}`,
  );
  const client = new Client(values.endpoint ?? process.env["ANNALS_ENDPOINT"] ?? "http://127.0.0.1:2113");
  try {
    await using inventory = new Inventory(client, given ?? join(folder ?? ".", "inventory.db"), log);
    const server = serve(inventory, log);
    server.listen(Number(port === "" ? 80 : port), hostname.replace(/^\[|\]$/g, ""));
    await once(server, "listening");
    const { address, port: bound } = server.address() as AddressInfo;
    log("server", { listening: `http://${address.includes(":") ? `[${address}]` : address}:${bound}` });
    await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
    const closed = once(server, "close");
    server.close();
    server.closeIdleConnections();
    await closed;
  } finally {
    client.close();
    if (folder !== undefined) {
      rmSync(folder, { recursive: true });
    }
  }
  log("server", { stopped: true });
}

await main();
