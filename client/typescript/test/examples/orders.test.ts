/** Tests of the Orders example: its rules without a server, and its command line against one. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { given, TestServer } from "annals-client/testing";
import type { Decide, DomainEvent } from "annals-client/toolkit";

import type { OrderEvents } from "../../examples/orders/events.js";
import { addItem, cancel, confirm, create, deliver, type Order, order, ship } from "../../examples/orders/order.js";

type Event = DomainEvent<OrderEvents>;

const created: Event = { type: "OrderCreated", data: { orderId: "o1", customerId: "c1" } };
const tea = { sku: "tea", quantity: 2, unitPriceCents: 450 };
const added: Event = { type: "OrderItemAdded", data: tea };
const confirmed: Event = { type: "OrderConfirmed", data: { totalCents: 900 } };
const shipped: Event = { type: "OrderShipped", data: { carrier: "post", trackingNumber: "T-1" } };
const delivered: Event = { type: "OrderDelivered", data: {} };
const cancelled: Event = { type: "OrderCancelled", data: { reason: "changed my mind" } };

const UNTIL = {
  nothing: [],
  created: [created],
  open: [created, added],
  confirmed: [created, added, confirmed],
  shipped: [created, added, confirmed, shipped],
  delivered: [created, added, confirmed, shipped, delivered],
  cancelled: [created, added, cancelled],
} satisfies Record<string, Event[]>;

const COMMANDS: Record<string, { readonly decide: Decide<Order, OrderEvents>; readonly event: Event }> = {
  create: { decide: create("o1", "c1"), event: created },
  addItem: { decide: addItem("o1", tea), event: added },
  confirm: { decide: confirm("o1"), event: confirmed },
  ship: { decide: ship("o1", "post", "T-1"), event: shipped },
  deliver: { decide: deliver("o1"), event: delivered },
  cancel: { decide: cancel("o1", "changed my mind"), event: cancelled },
};

/** For each command and state: the code of the rule that forbids it, or "ok". */
const RULES: Record<string, Record<keyof typeof UNTIL, string>> = {
  create: {
    nothing: "ok",
    created: "order_exists",
    open: "order_exists",
    confirmed: "order_exists",
    shipped: "order_exists",
    delivered: "order_exists",
    cancelled: "order_exists",
  },
  addItem: {
    nothing: "order_not_found",
    created: "ok",
    open: "ok",
    confirmed: "order_not_open",
    shipped: "order_not_open",
    delivered: "order_not_open",
    cancelled: "order_cancelled",
  },
  confirm: {
    nothing: "order_not_found",
    created: "order_empty",
    open: "ok",
    confirmed: "order_already_confirmed",
    shipped: "order_already_confirmed",
    delivered: "order_already_confirmed",
    cancelled: "order_cancelled",
  },
  ship: {
    nothing: "order_not_found",
    created: "order_not_confirmed",
    open: "order_not_confirmed",
    confirmed: "ok",
    shipped: "order_already_shipped",
    delivered: "order_already_shipped",
    cancelled: "order_cancelled",
  },
  deliver: {
    nothing: "order_not_found",
    created: "order_not_shipped",
    open: "order_not_shipped",
    confirmed: "order_not_shipped",
    shipped: "ok",
    delivered: "order_delivered",
    cancelled: "order_cancelled",
  },
  cancel: {
    nothing: "order_not_found",
    created: "ok",
    open: "ok",
    confirmed: "ok",
    shipped: "ok",
    delivered: "order_delivered",
    cancelled: "order_cancelled",
  },
};

for (const [command, rules] of Object.entries(RULES)) {
  test(`orders: ${command} in every state`, async () => {
    const { decide, event } = COMMANDS[command]!;
    for (const [state, expected] of Object.entries(rules)) {
      const when = given(order, ...UNTIL[state as keyof typeof UNTIL]).when(decide);
      if (expected === "ok") await when.then(event);
      else await when.thenFails({ name: "Error", code: expected });
    }
  });
}

test("orders: quantities and prices are validated before the order is read", () => {
  for (const [change, code] of [
    [{ quantity: 0 }, "invalid_quantity"],
    [{ quantity: 1_001 }, "invalid_quantity"],
    [{ quantity: 1.5 }, "invalid_quantity"],
    [{ unitPriceCents: -1 }, "invalid_price"],
    [{ unitPriceCents: 100_000_001 }, "invalid_price"],
  ] as const) {
    assert.throws(() => addItem("o1", { ...tea, ...change }), { code });
  }
  assert.ok(addItem("o1", { sku: "tea", quantity: 1_000, unitPriceCents: 100_000_000 }));
});

test("orders: the state of an order is built from its events", async () => {
  const items = [tea, tea];
  await given(order, created, added)
    .when(addItem("o1", tea))
    .thenState({ orderId: "o1", customerId: "c1", status: "open", items, totalCents: 1_800 });
});

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const MAIN = fileURLToPath(new URL("../../examples/orders/main.js", import.meta.url));

function orders(endpoint: string, database: string, ...args: string[]): Promise<Result> {
  return new Promise((resolve) => {
    const env = { ...process.env, ANNALS_ENDPOINT: endpoint, ORDERS_DATABASE: database };
    execFile(process.execPath, [MAIN, ...args], { env, timeout: 120_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

test("orders: the command line, from the first command to the list", async () => {
  await using server = await TestServer.start();
  const folder = await mkdtemp(join(tmpdir(), "annals-orders-"));
  const database = join(folder, "orders.db");
  const run = async (...args: string[]) => orders(server.endpoint, database, ...args);
  const prints = async (expected: string, ...args: string[]) => {
    assert.deepEqual(await run(...args), { code: 0, stdout: expected, stderr: "" }, args.join(" "));
  };
  try {
    await prints('{"orderId":"o1","revision":0,"position":1}\n', "create", "o1", "--customer", "c1");
    await prints('{"orderId":"o1","revision":1,"position":2}\n', "add-item", "o1", "tea", "2", "450");
    await prints(
      '{"orderId":"o1","customerId":"c1","status":"open",' +
        '"items":[{"sku":"tea","quantity":2,"unitPriceCents":450}],"totalCents":900}\n',
      "show",
      "o1",
    );
    await prints('{"orderId":"o2","revision":0,"position":3}\n', "create", "o2", "--customer", "größer");
    assert.deepEqual(await run("confirm", "o2"), {
      code: 2,
      stdout: "",
      stderr: "error: order o2 has no items; add one before you confirm it (order_empty)\n",
    });
    await prints('{"orderId":"o2","revision":1,"position":4}\n', "cancel", "o2", "--reason", "test");
    const o1 = '{"orderId":"o1","customerId":"c1","status":"open","itemCount":1,"totalCents":900}\n';
    await prints(
      `${o1}{"orderId":"o2","customerId":"größer","status":"cancelled","itemCount":0,"totalCents":0}\n`,
      "list",
    );
    await prints(o1, "list", "--status", "open");
    await prints("", "list", "--status", "shipped");

    const history = await run("history", "o1");
    const [first, second] = history.stdout.trimEnd().split("\n");
    assert.match(first ?? "", /^\{"revision":0,"type":"OrderCreated","recordedAt":"[-\d]{10}T[:\d]{8}\.\d{6}Z",/);
    assert.match(first ?? "", /,"data":\{"orderId":"o1","customerId":"c1"\}\}$/);
    assert.match(second ?? "", /"data":\{"sku":"tea","quantity":2,"unitPriceCents":450\}\}$/);
    const { recordedAt } = JSON.parse(first ?? "") as { recordedAt: string };
    await prints(
      '{"orderId":"o1","customerId":"c1","status":"open","items":[],"totalCents":0}\n',
      "show",
      "o1",
      "--as-of",
      recordedAt,
    );
    await prints(`${first ?? ""}\n`, "history", "o1", "--as-of", recordedAt);
    const before = await run("show", "o1", "--as-of", "2001-01-01T00:00:00Z");
    assert.deepEqual(before, {
      code: 2,
      stdout: "",
      stderr: "error: order o1 does not exist; create it first (order_not_found)\n",
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("orders: invalid arguments and an unreachable server have distinct exit codes", async () => {
  const nowhere = (...args: string[]) => orders("http://127.0.0.1:1", ":memory:", ...args);
  const [none, wrong, missing, number, status] = await Promise.all([
    nowhere(),
    nowhere("fly", "o1"),
    nowhere("create", "o1"),
    nowhere("add-item", "o1", "tea", "two", "450"),
    nowhere("list", "--status", "lost"),
  ]);
  for (const [result, said] of [
    [none, "a command is missing"],
    [wrong, "unknown command fly"],
    [missing, "--customer is missing"],
    [number, "QUANTITY must be a whole number, not two"],
    [status, "--status must be one of"],
  ] as const) {
    assert.equal(result.code, 2);
    assert.ok(result.stderr.startsWith(`error: ${said}`), result.stderr);
  }
  const unreachable = await nowhere("confirm", "o1");
  assert.equal(unreachable.code, 1);
  assert.match(unreachable.stderr, /^error: .*127\.0\.0\.1:1.*ECONNREFUSED/);
});

test("orders: the demo prints the life cycle of an order", async () => {
  await using server = await TestServer.start();
  const { code, stdout, stderr } = await orders(server.endpoint, ":memory:", "demo");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /refused\n {2}.*\(order_not_open\)/);
  assert.match(stdout, /in the list of orders\n {2}\{.*"status":"delivered","itemCount":2,"totalCents":2100\}\n$/);
});
