/** Tests of aggregates, repositories, decision models, schemas and contexts. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { InvalidValueError, JsonError, nameId, newEvent, newId, RevisionConflictError, } from "../../src/index.js";
import { given, givenFacts, TestServer } from "../../src/testing/index.js";
import { Aggregate, contextOf, decideOn, inContext, inContextOf, Repository, schema, SchemaError, } from "../../src/toolkit/index.js";
import { CommandIds } from "../../src/toolkit/context.js";
import { addItem, confirm, order, orders, place, Refused } from "./orders.js";
let server;
let client;
before(async () => {
    server = await TestServer.start();
    client = server.client();
});
after(() => server[Symbol.asyncDispose]());
test("decisions are tested without a server", async () => {
    const placed = { type: "OrderPlaced", data: { customer: "ada", currency: "CHF" } };
    const added = { type: "ItemAdded", data: { item: "tea", cents: 450 } };
    await given(order).when(place("ada")).then(placed);
    await given(order, placed).when(place("ada")).thenFails(Refused);
    await given(order, placed)
        .when(confirm)
        .thenFails(/empty order/);
    await given(order, placed, added).when(confirm).then({ type: "OrderConfirmed", data: {} });
    await given(order, placed, added, { type: "OrderConfirmed", data: {} }).when(confirm).then();
    await given(order, placed, added).when(addItem("cup", 50)).thenState({ status: "open", cents: 500, items: 2 });
    await assert.rejects(given(order, placed).when(place("ada")).then(placed), Refused);
    await assert.rejects(given(order)
        .when(place("ada"))
        .then({ ...placed, data: { customer: "bob", currency: "CHF" } }), assert.AssertionError);
});
test("a repository executes commands, and loads the resulting state", async () => {
    const repository = new Repository(client, order);
    const id = newId();
    assert.deepEqual(await repository.load(id), { state: order.initial(), revision: undefined });
    const { position, revision, events } = await repository.execute(id, place("ada"));
    assert.equal(revision, 0);
    assert.equal(events.length, 1);
    assert.equal((await client.serverInfo()).head, position);
    await repository.execute(id, addItem("tea", 450));
    await assert.rejects(repository.execute(id, place("bob")), Refused);
    const { state } = await repository.execute(id, confirm);
    assert.deepEqual(state, { status: "confirmed", cents: 450, items: 1 });
    assert.equal((await repository.execute(id, confirm)).position, undefined);
    assert.deepEqual(await repository.load(id), { state, revision: 2 });
    const [placed] = await client.readStream(order.stream(id)).toArray();
    assert.deepEqual(placed?.tags, ["customer:ada"]);
    const was = { status: "open", cents: 450, items: 1 };
    assert.deepEqual(await repository.load(id, { until: 1 }), { state: was, revision: 1 });
    assert.deepEqual((await repository.load(id, { untilTime: placed.recordedAt })).revision, 0);
    assert.deepEqual(await repository.load(id, { untilTime: "2001-01-01T00:00:00Z" }), {
        state: order.initial(),
        revision: undefined,
    });
});
test("concurrent commands are all executed, each on the state that the others led to", async () => {
    const repository = new Repository(client, order, { conflicts: { triesMax: 100, pauseFirstMs: 2 } });
    const id = newId();
    await repository.execute(id, place("ada"));
    await Promise.all(Array.from({ length: 20 }, (_, n) => repository.execute(id, addItem(`item ${n}`, 1))));
    const { state, revision } = await repository.load(id);
    assert.equal(revision, 20);
    assert.equal(state.cents, 20);
});
test("a command that always conflicts fails with the conflict after the maximum number of attempts", async () => {
    const repository = new Repository(client, order, { conflicts: { triesMax: 3, pauseFirstMs: 1 } });
    const id = newId();
    let decided = 0;
    const late = repository.execute(id, async () => {
        decided += 1;
        await client.append(order.stream(id), "any", [
            orders.encode({ type: "ItemAdded", data: { item: "x", cents: 1 } }),
        ]);
        return { type: "OrderConfirmed", data: {} };
    });
    await assert.rejects(late, RevisionConflictError);
    assert.equal(decided, 3);
});
test("a command with an id is executed once, however often and wherever it is sent", async () => {
    const id = newId();
    await new Repository(client, order).execute(id, place("ada"));
    const commandId = newId();
    const results = await Promise.all(Array.from({ length: 8 }, () => new Repository(client, order).execute(id, addItem("tea", 450), { commandId })));
    assert.equal((await new Repository(client, order).load(id)).state.cents, 450);
    assert.deepEqual(new Set(results.map(({ position }) => position)).size, 1);
    const again = await new Repository(client, order).execute(id, addItem("tea", 450), { commandId });
    assert.equal(again.alreadyExecuted, true);
    await new Repository(client, order).execute(id, addItem("tea", 450), { commandId: newId() });
    assert.equal((await new Repository(client, order).load(id)).state.cents, 900);
});
test("a snapshot is saved in the background, and loaded with the events after it", async () => {
    const errors = [];
    const repository = new Repository(client, order, { onSnapshotError: (error) => errors.push(error) });
    const id = newId();
    await repository.execute(id, place("ada"));
    for (let n = 0; n < 12; n += 1)
        await repository.execute(id, addItem("tea", 1), { commandId: newId() });
    await repository.settled();
    const snapshot = await client.loadSnapshot(order.stream(id));
    assert.ok(snapshot !== undefined && snapshot.revision >= 9);
    assert.deepEqual((await repository.load(id)).state, { status: "open", cents: 12, items: 12 });
    const [first] = await client.readStream(order.stream(id), { query: { types: ["ItemAdded"] }, limit: 1 }).toArray();
    const commandId = first?.tags.find((tag) => tag.startsWith("command:"))?.slice("command:".length) ?? "";
    assert.equal((await repository.execute(id, addItem("tea", 1), { commandId })).alreadyExecuted, true);
    assert.deepEqual(errors, []);
});
test("a snapshot that can't be read is reported, and only costs time", async () => {
    const errors = [];
    const repository = new Repository(client, order, { onSnapshotError: (error) => errors.push(error) });
    const id = newId();
    await repository.execute(id, place("ada"));
    await client.saveSnapshot(order.stream(id), 0, Buffer.from("no JSON"), { schemaVersion: 1 });
    await repository.execute(id, addItem("tea", 450));
    assert.deepEqual((await repository.load(id)).state, { status: "open", cents: 450, items: 1 });
    assert.deepEqual(errors.map((error) => error instanceof JsonError), [true, true]);
});
test("a state that JSON would change is not saved as a snapshot", async () => {
    const errors = [];
    const stock = new Aggregate({
        category: "stock",
        schema: schema({ Counted: {} }),
        initial: () => new Map(),
        evolve: { Counted: (state, { item, count }) => new Map([...state, [item, count]]) },
        snapshot: { version: 1, every: 1 },
    });
    const repository = new Repository(client, stock, { onSnapshotError: (error) => errors.push(error) });
    const id = newId();
    await repository.execute(id, () => ({ type: "Counted", data: { item: "tea", count: 3 } }));
    await repository.settled();
    assert.deepEqual(errors.map((error) => error instanceof InvalidValueError && error.place), ["state"]);
    assert.deepEqual((await repository.load(id)).state, new Map([["tea", 3]]));
});
test("an invalid schemaVersion is an error that names the event", async () => {
    const versions = ["2", "two", null, true, 0, -1, 1.5, { major: 2 }, [2]];
    const stream = order.stream(newId());
    await client.append(stream, "no-stream", versions.map((schemaVersion) => newEvent("OrderPlaced", { customer: "ada" }, { metadata: { schemaVersion } })));
    for (const event of await client.readStream(stream).toArray()) {
        const [version] = versions.slice(event.revision);
        const problem = `event type "OrderPlaced" at position ${event.position} has the schemaVersion ` +
            `${JSON.stringify(version)} in its metadata`;
        assert.throws(() => orders.decode(event), (error) => error instanceof SchemaError && error.message.startsWith(problem));
    }
});
test("old events are read in their latest version, and versions newer than the program's are an error", async () => {
    const stream = order.stream(newId());
    await client.append(stream, "no-stream", [
        newEvent("OrderSubmitted", { customer: "ada" }),
        newEvent("OrderPlaced", { customer: "bob" }),
        newEvent("OrderPlaced", { customer: "eve", currency: "USD" }, { metadata: { schemaVersion: 2 } }),
        newEvent("OrderPlaced", {}, { metadata: { schemaVersion: 3 } }),
        newEvent("Unknown"),
    ]);
    const events = await client.readStream(stream).toArray();
    const decoded = events.slice(0, 3).map((event) => orders.decode(event)?.data);
    assert.deepEqual(decoded, [
        { customer: "ada", currency: "EUR" },
        { customer: "bob", currency: "EUR" },
        { customer: "eve", currency: "USD" },
    ]);
    assert.throws(() => orders.decode(events[3]), SchemaError);
    assert.equal(orders.decode(events[4]), undefined);
    assert.deepEqual(orders.namesOf(["OrderPlaced"]), ["OrderPlaced", "OrderSubmitted"]);
    assert.throws(() => schema({ A: { version: 3, upcasters: { 1: (data) => data } } }), SchemaError);
});
test("the context propagates from command to event to reaction", async () => {
    const repository = new Repository(client, order);
    const [id, correlationId] = [newId(), newId()];
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await inContext({ correlationId, userId: "ada", traceparent }, () => repository.execute(id, place("ada")));
    const [placed] = await client.readStream(order.stream(id)).toArray();
    assert.ok(placed !== undefined);
    const { traceparent: span, ...others } = placed.metadataJson();
    assert.deepEqual(others, { correlationId, userId: "ada", schemaVersion: 2 });
    assert.match(span, /^00-4bf92f3577b34da6a3ce929d0e0e4736-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$/);
    await inContextOf(placed, () => repository.execute(id, addItem("tea", 1)));
    const [, added] = await client.readStream(order.stream(id)).toArray();
    assert.ok(added !== undefined);
    const { traceparent: child, ...rest } = contextOf(added);
    assert.deepEqual(rest, { correlationId, causationId: placed.id, userId: "ada" });
    assert.match(child ?? "", /^00-4bf92f3577b34da6a3ce929d0e0e4736-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$/);
    assert.notEqual(child, span);
});
test("a command without a context begins a correlation, and is the cause of its events", async () => {
    const [id, commandId] = [newId(), newId()];
    const { revision } = await new Repository(client, order).execute(id, () => [
        { type: "OrderPlaced", data: { customer: "ada", currency: "CHF" } },
        { type: "ItemAdded", data: { item: "tea", cents: 1 } },
    ], { commandId });
    assert.equal(revision, 1);
    const events = await client.readStream(order.stream(id)).toArray();
    const contexts = events.map(contextOf);
    assert.match(contexts[0]?.correlationId ?? "", /^[0-9a-f-]{36}$/);
    assert.deepEqual(contexts[1], contexts[0]);
    assert.equal(contexts[0]?.causationId, commandId);
    assert.ok(events.every(({ tags }) => tags.includes(`command:${commandId}`)));
});
const courses = schema({ CourseDefined: {}, Enrolled: { tags: ({ student }) => [`student:${student}`] } });
const enrolment = (course) => ({
    seats: {
        query: { types: ["CourseDefined"], tags: [course] },
        initial: () => 0,
        evolve: { CourseDefined: (_, { seats }) => seats },
    },
    taken: {
        query: { types: ["Enrolled"], tags: [course] },
        initial: () => 0,
        evolve: { Enrolled: (taken) => taken + 1 },
    },
});
const enrol = (course, student) => ({ seats, taken }) => {
    if (taken >= seats)
        throw new Refused(`${course} is full`);
    return [{ stream: `student-${student}`, type: "Enrolled", data: { student }, tags: [course] }];
};
test("decisions on facts are tested without a server", async () => {
    const defined = { stream: "course-1", type: "CourseDefined", data: { seats: 1 }, tags: ["course:1"] };
    const enrolled = { stream: "student-a", type: "Enrolled", data: { student: "a" }, tags: ["course:1"] };
    const models = enrolment("course:1");
    await givenFacts(courses, models, defined).when(enrol("course:1", "a")).then(enrolled);
    await givenFacts(courses, models, defined, enrolled).when(enrol("course:1", "b")).thenFails(Refused);
    await givenFacts(courses, models, defined, { ...enrolled, tags: ["course:2"] })
        .when(enrol("course:1", "b"))
        .then({ ...enrolled, stream: "student-b", data: { student: "b" } });
});
test("of concurrent decisions on the same facts, only as many succeed as the rules allow", async () => {
    const course = `course:${newId()}`;
    const models = enrolment(course);
    await client.append(course.replace(":", "-"), "no-stream", [
        courses.encode({ type: "CourseDefined", data: { seats: 3 }, tags: [course] }),
    ]);
    const results = await Promise.allSettled(Array.from({ length: 10 }, (_, n) => decideOn(client, courses, models, enrol(course, `s${n}`), { conflicts: { triesMax: 50 } })));
    for (const result of results) {
        if (result.status === "rejected" && !(result.reason instanceof Refused))
            throw result.reason;
    }
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 3);
    assert.equal((await client.readAll({ query: { types: ["Enrolled"], tags: [course] } }).toArray()).length, 3);
});
test("a decision with an id is executed once, however often and wherever it is sent", async () => {
    const course = `course:${newId()}`;
    const models = enrolment(course);
    await client.append(course.replace(":", "-"), "no-stream", [
        courses.encode({ type: "CourseDefined", data: { seats: 9 }, tags: [course] }),
    ]);
    const commandId = newId();
    // Each call would enrol other students: only the id identifies a command that was executed already.
    let student = 0;
    const decide = (facts) => [
        ...enrol(course, `a${(student += 1)}`)(facts),
        ...enrol(course, `b${student}`)(facts),
    ];
    const results = await Promise.all(Array.from({ length: 8 }, () => decideOn(client, courses, models, decide, { commandId, conflicts: { triesMax: 50 } })));
    const enrolled = await client.readAll({ query: { types: ["Enrolled"], tags: [course] } }).toArray();
    assert.deepEqual(enrolled.map((event) => event.id), [nameId(commandId, "0"), nameId(commandId, "1")]);
    assert.ok(enrolled.every((event) => event.tags.includes(`command:${commandId}`)));
    assert.deepEqual(new Set(results.map(({ position }) => position)), new Set([enrolled[1]?.position]));
    assert.equal(results.filter(({ alreadyExecuted }) => !alreadyExecuted).length, 1);
    const [first, second] = enrolled.map(contextOf);
    assert.deepEqual(first, { correlationId: commandId, causationId: commandId });
    assert.deepEqual(second, first);
    const again = await decideOn(client, courses, models, decide, { commandId: commandId.toUpperCase() });
    assert.deepEqual([again.alreadyExecuted, again.events, again.appended], [true, [], undefined]);
    assert.equal((await decideOn(client, courses, models, decide, { commandId: newId() })).alreadyExecuted, false);
    await assert.rejects(async () => decideOn(client, courses, models, decide, { commandId: "the first" }), /"the first" must be a UUID/);
});
test("a decision with an id that was executed at the same time with other events is not made again", async () => {
    const course = `course:${newId()}`;
    const models = enrolment(course);
    const stream = course.replace(":", "-");
    await client.append(stream, "no-stream", [
        courses.encode({ type: "CourseDefined", data: { seats: 9 }, tags: [course] }),
    ]);
    const commandId = newId();
    const enrolled = (student) => ({ stream, type: "Enrolled", data: { student }, tags: [course] });
    const one = () => decideOn(client, courses, models, () => [enrolled("a")], { commandId });
    let decisions = 0;
    const two = await decideOn(client, courses, models, async () => {
        if ((decisions += 1) === 1)
            assert.equal((await one()).alreadyExecuted, false);
        return [enrolled("a"), enrolled("b")];
    }, { commandId });
    assert.deepEqual([two.alreadyExecuted, two.events, decisions], [true, [], 1]);
    assert.equal((await client.readStream(stream).toArray()).length, 2);
});
test("the ids of a process manager's commands are those of the other languages", () => {
    const commandIds = new CommandIds("gifts", "0190a6f0-7c1e-7000-8000-000000000001");
    assert.deepEqual(["order-1", "order-1", "order-2", ""].map((stream) => commandIds.nextCommandId(stream)), [
        "931f6fa6-a9c1-5b47-847d-b143937d27dc",
        "d24151be-384b-5f30-9194-892ba85c5663",
        "3a62beda-1cd8-5e58-adc3-0c39e65af0ca",
        "fd8cb68d-4a1c-5568-b45f-f43fa0b118f5",
    ]);
    assert.equal(nameId("931f6fa6-a9c1-5b47-847d-b143937d27dc", "0"), "d2b5abf4-7924-58b4-b850-facef0d541b4");
});
//# sourceMappingURL=decisions.test.js.map