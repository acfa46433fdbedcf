/**
 * Orders on the command line: `node dist/examples/orders/main.js demo`. Exit codes: 0, success; 1, the store failed;
 * 2, a rule forbids the command, or the arguments are invalid.
 */
import { Client } from "annals-client";
import { parse, USAGE, UsageError } from "./commandline.js";
import { demo } from "./demo.js";
import { addItem, cancel, confirm, create, deliver, OrderError, ship } from "./order.js";
import { Orders } from "./orders.js";
const print = (line) => {
    process.stdout.write(`${line}\n`);
};
async function run({ task: asked }, orders) {
    const done = async (result) => {
        print(JSON.stringify(await result));
    };
    switch (asked.verb) {
        case "create":
            return done(orders.execute(asked.id, create(asked.id, asked.customer)));
        case "add-item":
            return done(orders.execute(asked.id, addItem(asked.id, { sku: asked.sku, quantity: asked.quantity, unitPriceCents: asked.unitPriceCents })));
        case "confirm":
            return done(orders.execute(asked.id, confirm(asked.id)));
        case "ship":
            return done(orders.execute(asked.id, ship(asked.id, asked.carrier, asked.tracking)));
        case "deliver":
            return done(orders.execute(asked.id, deliver(asked.id)));
        case "cancel":
            return done(orders.execute(asked.id, cancel(asked.id, asked.reason)));
        case "show":
            print(JSON.stringify(inOrder(await orders.show(asked.id, asked.asOf))));
            return;
        case "history":
            (await orders.history(asked.id, asked.asOf)).forEach((happened) => {
                print(JSON.stringify(happened));
            });
            return;
        case "list":
            (await orders.list(asked.status)).forEach((listed) => {
                print(JSON.stringify(listed));
            });
            return;
        case "demo":
            return demo(orders, print);
    }
}
/** Returns the order with its keys in the order in which every language prints them. */
function inOrder({ orderId, customerId, status, items, totalCents }) {
    return {
        orderId,
        customerId,
        status,
        items: items.map(({ sku, quantity, unitPriceCents }) => ({ sku, quantity, unitPriceCents })),
        totalCents,
    };
}
async function main() {
    let client;
    try {
        const asked = parse(process.argv.slice(2), process.env);
        client = new Client(asked.endpoint);
        // The demo keeps nothing on disk, so that the next run can use another server.
        const orders = new Orders(client, asked.database ?? (asked.task.verb === "demo" ? ":memory:" : "./orders.db"));
        await run(asked, orders);
        await orders.settled();
        return 0;
    }
    catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        process.stderr.write(`error: ${message}${error instanceof OrderError ? ` (${error.code})` : ""}\n`);
        if (error instanceof UsageError) {
            process.stderr.write(`${USAGE}\n`);
        }
        return error instanceof OrderError || error instanceof UsageError ? 2 : 1;
    }
    finally {
        client?.close();
    }
}
process.exitCode = await main();
//# sourceMappingURL=main.js.map