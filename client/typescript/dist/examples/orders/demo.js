/** Demonstrates the life cycle of an order, and prints each step. */
import { newId } from "annals-client";
import { addItem, cancel, confirm, create, deliver, OrderError, ship } from "./order.js";
export async function demo(orders, print) {
    const id = `demo-${newId().slice(-12)}`;
    const step = async (what, result) => {
        print(`${what}\n  ${JSON.stringify(await result)}`);
    };
    await step(`create ${id} for customer ada`, orders.execute(id, create(id, "ada")));
    await step("add 2 tea at 4.50", orders.execute(id, addItem(id, { sku: "tea", quantity: 2, unitPriceCents: 450 })));
    const { recordedAt } = (await orders.history(id)).at(-1) ?? { recordedAt: "" };
    await step("add 1 cup at 12.00", orders.execute(id, addItem(id, { sku: "cup", quantity: 1, unitPriceCents: 1_200 })));
    await step("confirm", orders.execute(id, confirm(id)));
    try {
        await orders.execute(id, addItem(id, { sku: "late", quantity: 1, unitPriceCents: 1 }));
    }
    catch (error) {
        if (!(error instanceof OrderError))
            throw error;
        print(`add an item to the confirmed order: refused\n  ${error.message} (${error.code})`);
    }
    await step("ship", orders.execute(id, ship(id, "post", "T-1")));
    await step("deliver", orders.execute(id, deliver(id)));
    try {
        await orders.execute(id, cancel(id, "too late"));
    }
    catch (error) {
        if (!(error instanceof OrderError))
            throw error;
        print(`cancel the delivered order: refused\n  ${error.message} (${error.code})`);
    }
    await step("as it is", orders.show(id));
    await step(`as it was at ${recordedAt}`, orders.show(id, recordedAt));
    for (const happened of await orders.history(id))
        await step(`history, revision ${happened.revision}`, Promise.resolve(happened));
    const listed = (await orders.list()).find(({ orderId }) => orderId === id);
    await step("in the list of orders", Promise.resolve(listed));
}
//# sourceMappingURL=demo.js.map