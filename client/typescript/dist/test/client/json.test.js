/** Tests of event values: either JSON of exactly that value is stored, or the value is rejected. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { InvalidFieldError, InvalidValueError, JsonError, newEvent, newId, RecordedEvent, Timestamp, } from "../../src/index.js";
import { toPbAppend } from "../../src/append.js";
import { toPbEvent } from "../../src/events.js";
import { schema } from "../../src/toolkit/index.js";
const NOTHING = new Uint8Array();
/** Returns the JSON that is stored for a value. */
const stored = (value) => Buffer.from(newEvent("Odd", value).data).toString();
const recorded = (data, metadata = NOTHING, contentType) => new RecordedEvent("6b1e7d1c-0000-4000-8000-000000000001", "order-1", 3, 7, "Odd", Buffer.from(data), metadata, [], Timestamp.now(), contentType);
function nested(levels, innermost = []) {
    let value = innermost;
    for (let level = 1; level < levels; level += 1)
        value = [value];
    return value;
}
test("a stored value decodes to the original value", () => {
    const values = [
        null,
        true,
        'größer 🎉 \u2028 "\\\n\u0000',
        0,
        -0,
        -1.5e-7,
        Number.MAX_VALUE,
        Number.MIN_VALUE,
        2 ** 53 - 1,
        2 ** 60,
        12345678901234567168,
        [],
        {},
        [[], [{}], { "": [-0], "odd name": 1, größe: 2 }],
        JSON.parse('{"__proto__": 1}'),
    ];
    for (const value of values) {
        const event = newEvent("Odd", value);
        assert.deepStrictEqual(recorded(event.data).json(), value);
        assert.deepStrictEqual(JSON.parse(stored(value)), value);
    }
    assert.equal(stored([-0, { at: -0 }]), '[-0,{"at":-0}]');
});
test("JSON equals that of JSON.stringify where that changes no value", () => {
    class Money {
        amount;
        currency;
        constructor(amount, currency) {
            this.amount = amount;
            this.currency = currency;
        }
    }
    const value = {
        id: "order-1",
        total: new Money(4200, "EUR"),
        lines: [{ sku: "tea", quantity: 2 }, null],
        paid: false,
        note: "\u001f/</script>",
    };
    assert.equal(stored(value), JSON.stringify(value));
});
test("a property that is undefined is left out", () => {
    assert.equal(stored({ a: undefined, b: 1, c: undefined }), '{"b":1}');
    assert.equal(stored({ a: undefined }), "{}");
});
test("nesting may be deep, and is bounded", () => {
    const event = newEvent("Odd", nested(10_000));
    assert.equal(Buffer.from(event.data).toString(), "[".repeat(10_000) + "]".repeat(10_000));
    assert.doesNotThrow(() => recorded(event.data).json());
    assert.throws(() => newEvent("Odd", nested(100_001)), /nested more than 100000 deep/);
    const endless = { toJSON: () => [endless] };
    assert.throws(() => newEvent("Odd", endless), InvalidValueError);
});
test("bytes of every type are stored unchanged", () => {
    const bytes = Uint8Array.of(0, 1, 2, 255);
    assert.equal(newEvent("Odd", bytes).data, bytes);
    const elsewhere = runInNewContext("Uint8Array.of(0, 1, 2, 255)");
    const shared = new SharedArrayBuffer(4);
    new Uint8Array(shared).set(bytes);
    for (const value of [bytes.buffer, shared, new DataView(bytes.buffer), Buffer.from(bytes), elsewhere]) {
        assert.deepEqual([...newEvent("Odd", value).data], [...bytes]);
        assert.deepEqual([...newEvent("Odd", null, { metadata: value }).metadata], [...bytes]);
    }
    assert.deepEqual([...newEvent("Odd", new DataView(bytes.buffer, 1, 2)).data], [1, 2]);
});
test("a value that JSON would change is refused, with the event's type and the place", () => {
    const circle = {};
    circle["self"] = circle;
    const refused = [
        [NaN, /is NaN/],
        [Infinity, /is Infinity/],
        [-Infinity, /is -Infinity/],
        [JSON.parse("1e400"), /is Infinity/],
        [9007199254740993n, /is a BigInt/],
        [undefined, /is undefined/],
        ["\ud800", /lone surrogate/],
        ["a\udc00b", /lone surrogate/],
        [Float64Array.of(1.5), /is a Float64Array/],
        [Uint8ClampedArray.of(1), /is a Uint8ClampedArray/],
        [new Date(0), /is a Date/],
        [new Date(NaN), /is a Date/],
        [new Map([["a", 1]]), /is a Map/],
        [new Set([1]), /is a Set/],
        [new Error("no"), /is a Error/],
        [/a/, /is a RegExp/],
        [Promise.resolve(1), /is a Promise/],
        [Object(1), /is a Number/],
        [() => 1, /is a function/],
        [Symbol("a"), /is a symbol/],
        [{ [Symbol("a")]: 1 }, /name is a symbol/],
        [circle, /contains itself/],
        [{ toJSON: () => NaN }, /is NaN/],
        [
            {
                toJSON: () => {
                    throw new Error("no");
                },
            },
            /can't be read: Error: no/,
        ],
        [
            {
                get a() {
                    throw new Error("no");
                },
            },
            /can't be read: Error: no/,
        ],
        [[1, , 3], /is undefined/], // eslint-disable-line no-sparse-arrays
        [{ "\ud800": 1 }, /lone surrogate/],
        [runInNewContext("new Map()"), /is a Map/],
    ];
    for (const [value, problem] of refused) {
        assert.throws(() => newEvent("Odd", value), (error) => error instanceof InvalidValueError &&
            error.subject === 'an event of type "Odd"' &&
            problem.test(error.message), String(problem));
    }
    // Bytes within another value can't be represented in JSON.
    const bytes = [Uint8Array.of(1), Buffer.from("a"), new ArrayBuffer(1), new DataView(new ArrayBuffer(1))];
    for (const value of [...refused.map(([value]) => value).filter((value) => value !== undefined), ...bytes]) {
        assert.throws(() => newEvent("Odd", { a: value }), InvalidValueError);
        assert.throws(() => newEvent("Odd", [1, { b: [value] }]), InvalidValueError);
        assert.throws(() => newEvent("Odd", null, { metadata: { a: value } }), InvalidValueError);
    }
});
test("a refusal names the place", () => {
    const place = (value) => {
        try {
            newEvent("Odd", value);
        }
        catch (error) {
            return error.place;
        }
        return assert.fail("it was not refused");
    };
    assert.equal(place(NaN), "data");
    assert.equal(place({ items: [0, 1, { price: NaN }] }), "data.items[2].price");
    assert.equal(place({ ok: 1, "odd name": [NaN] }), 'data["odd name"][0]');
    assert.equal(place(nested(100, NaN)), `data${"[0]".repeat(6)}…${"[0]".repeat(6)}`);
    assert.throws(() => newEvent("OrderPlaced", null, { metadata: { at: new Date(0) } }), {
        name: "InvalidValueError",
        message: `the metadata of an event of type "OrderPlaced" can't be stored as JSON: ` +
            "metadata.at is a Date, which would be read as text; use its toISOString(), or a Timestamp",
    });
});
test("an object with a toJSON method is stored as its result", () => {
    const at = Timestamp.from("2026-11-21T04:31:36.790766Z");
    assert.equal(stored({ at, url: new URL("http://a/b") }), '{"at":"2026-11-21T04:31:36.790766Z","url":"http://a/b"}');
});
test("an event has no data if none is given", () => {
    assert.equal(newEvent("Paid").data.length, 0);
    assert.equal(newEvent("Paid", NOTHING, { tags: ["a"] }).data.length, 0);
    assert.equal(newEvent("Paid", null).data.length, 4);
});
test("an error for data that is not JSON names the event", () => {
    const name = 'event "Odd" at revision 3 of stream "order-1" (position 7)';
    const refused = [
        ["", "is not the expected JSON: it is empty"],
        ["{", "is not the expected JSON: "],
        ["NaN", "is not the expected JSON: "],
        [Uint8Array.of(0x22, 0xff, 0x22), "is not the expected JSON: "],
    ];
    for (const [data, problem] of refused) {
        assert.throws(() => recorded(data).json(), (error) => error instanceof JsonError && error.message.startsWith(`the data of ${name} ${problem}`));
    }
    assert.throws(() => recorded("1", Buffer.from("{")).metadataJson(), (error) => error instanceof JsonError && error.message.startsWith(`the metadata of ${name}`));
    assert.equal(recorded("1").metadataJson(), undefined);
});
test("data is decoded if its content type is JSON, whatever the parameters", () => {
    const odd = schema({ Odd: {} });
    for (const contentType of [
        undefined,
        "application/json",
        "application/json; charset=utf-8",
        "application/json ;x=y",
        "Application/JSON",
        "application/vnd.acme.order+json",
        "application/cloudevents+json; charset=utf-8",
    ]) {
        assert.deepEqual(recorded('{"n":1}', NOTHING, contentType).json(), { n: 1 }, contentType);
        assert.deepEqual(odd.decode(recorded('{"n":1}', NOTHING, contentType))?.data, { n: 1 }, contentType);
    }
    for (const contentType of [
        "application/protobuf",
        "text/plain; format=+json",
        "application/jsonl",
        "application/json-seq",
        "json",
    ]) {
        for (const data of ['{"n":1}', ""]) {
            const event = recorded(data, Buffer.from('{"userId":"ada"}'), contentType);
            const refusal = {
                name: "JsonError",
                message: 'the data of event "Odd" at revision 3 of stream "order-1" (position 7) is not the expected JSON: ' +
                    `its content type is "${contentType}"; read its data as bytes`,
            };
            assert.throws(() => event.json(), refusal);
            assert.throws(() => odd.decode(event), refusal);
            assert.deepEqual(event.metadataJson(), { userId: "ada" });
        }
    }
});
test("a value is stored with a content type only if that is JSON", () => {
    assert.equal(newEvent("Odd", { n: 1 }).contentType, "");
    const contentType = "application/vnd.acme.order+json";
    assert.equal(toPbEvent(newEvent("Odd", { n: 1 }, { contentType })).contentType, contentType);
    assert.equal(newEvent("Odd", Uint8Array.of(1), { contentType: "application/pdf" }).contentType, "application/pdf");
    assert.throws(() => newEvent("Odd", "text", { contentType: "text/plain" }), {
        name: "InvalidValueError",
        message: 'an event of type "Odd" can\'t be stored as JSON: data has the content type "text/plain"; give bytes',
    });
});
test("a number that JavaScript can't hold is an error", () => {
    for (const json of [
        "9007199254740993",
        '{"a":[1,-9007199254740993]}',
        "1e400",
        "[-1E+400]",
        `1${"0".repeat(400)}`,
        "1e-400",
        '["\\"", 18446744073709551615]',
    ]) {
        assert.throws(() => recorded(json).json(), /a JavaScript number can't hold/, json);
    }
    const read = [
        "9007199254740991",
        "9007199254740992",
        "1152921504606846976",
        "12345678901234567000",
        "1e308",
        "0e400",
        "0.1000000000000000055",
        '"9007199254740993"',
        '["1e400\\"",1]',
        '{"9007199254740993":1}',
    ];
    for (const json of read)
        assert.deepEqual(recorded(json).json(), JSON.parse(json), json);
});
test("names that are not valid Unicode are rejected before they are sent", () => {
    const event = newEvent("A");
    for (const wrong of [newEvent("A\ud800"), newEvent("A", NOTHING, { tags: ["a", "\udfff"] })])
        assert.throws(() => toPbEvent(wrong), InvalidFieldError);
    assert.throws(() => toPbEvent({ ...event, contentType: "text/\ud800" }), InvalidFieldError);
    assert.throws(() => toPbAppend("order-\ud800", "any", [event]), /stream: .* lone surrogate/);
    assert.doesNotThrow(() => toPbAppend("order-🎉", "any", [{ ...event, id: newId() }]));
});
test("an invalid expected revision is rejected, with the valid values", () => {
    const description = 'expected: must be a revision (a whole number from 0), "no-stream", "stream-exists" or "any", not';
    const wrong = [
        ["no_stream", '"no_stream"'],
        [-1, "-1"],
        [1.5, "1.5"],
        [NaN, "NaN"],
        ["7", '"7"'],
        [undefined, "undefined"],
        [null, "null"],
        [7n, "7"],
    ];
    for (const [expected, shown] of wrong) {
        assert.throws(() => toPbAppend("order-1", expected, [newEvent("A")]), {
            name: "InvalidFieldError",
            message: `${description} ${shown}`,
        });
    }
});
//# sourceMappingURL=json.test.js.map