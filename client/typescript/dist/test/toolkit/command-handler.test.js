/** Tests of commandHandler: aggregates in functional style. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newId, RevisionConflictError, StreamNotFoundError } from "../../src/index.js";
import { TestServer } from "../../src/testing/index.js";
import { commandHandler, schema } from "../../src/toolkit/index.js";
class Overdrawn extends Error {
}
const accounts = schema({ Deposited: { formerly: ["PaidIn"] }, Withdrawn: {} });
const account = {
    initial: () => 0,
    evolve: (balance, event) => balance + (event.type === "Deposited" ? event.data.cents : -event.data.cents),
    decide: ({ change }, balance) => {
        if (change === 0)
            return undefined;
        if (balance + change < 0)
            throw new Overdrawn();
        return change > 0
            ? { type: "Deposited", data: { cents: change } }
            : [{ type: "Withdrawn", data: { cents: -change } }];
    },
};
const options = { category: "account", schema: accounts, ...account };
let server;
let client;
before(async () => {
    server = await TestServer.start();
    client = server.client();
});
after(() => server[Symbol.asyncDispose]());
test("a command handler decides on the state that the entity's events lead to", async () => {
    const handle = commandHandler(client, options);
    const id = newId();
    const deposited = await handle(id, { change: 500 });
    assert.deepEqual([deposited.state, deposited.revision, deposited.events.length], [500, 0, 1]);
    assert.equal((await handle(id, { change: -200 })).state, 300);
    await assert.rejects(handle(id, { change: -301 }), Overdrawn);
    assert.equal((await client.streamInfo(`account-${id}`)).lastRevision, 1);
});
test("after a conflict, a command handler decides again on the new state", async () => {
    const id = newId();
    const deposit = commandHandler(client, options);
    const seen = [];
    const handle = commandHandler(client, {
        ...options,
        decide: async (command, balance) => {
            seen.push(balance);
            if (seen.length === 1)
                await deposit(id, { change: 100 });
            return account.decide(command, balance);
        },
    });
    assert.equal((await handle(id, { change: 7 })).state, 107);
    assert.deepEqual(seen, [0, 100]);
});
test("after as many conflicts as the policy allows, a command handler fails with the conflict", async () => {
    const id = newId();
    const deposit = commandHandler(client, options);
    const handle = commandHandler(client, {
        ...options,
        conflicts: { triesMax: 2, pauseFirstMs: 1 },
        decide: async (command, balance) => {
            await deposit(id, { change: 1 });
            return account.decide(command, balance);
        },
    });
    await assert.rejects(handle(id, { change: 5 }), RevisionConflictError);
    assert.equal((await client.streamInfo(`account-${id}`)).lastRevision, 1);
});
test("if no events are decided, a command handler appends nothing", async () => {
    const id = newId();
    const done = await commandHandler(client, options)(id, { change: 0 });
    assert.deepEqual([done.events, done.position, done.state, done.revision], [[], undefined, 0, undefined]);
    await assert.rejects(client.streamInfo(`account-${id}`), StreamNotFoundError);
});
test("a command with an id is executed once by a command handler", async () => {
    const handle = commandHandler(client, options);
    const [id, commandId] = [newId(), newId()];
    await handle(id, { change: 5 }, { commandId });
    assert.equal((await handle(id, { change: 5 }, { commandId })).alreadyExecuted, true);
    assert.equal((await client.streamInfo(`account-${id}`)).lastRevision, 0);
});
//# sourceMappingURL=command-handler.test.js.map