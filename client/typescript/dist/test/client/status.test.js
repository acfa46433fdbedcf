/** Tests of errors made from the status of a failed append, without a server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { toPbExpected } from "../../src/append.js";
import { ChecksFailedSchema, EventIdConflictSchema, RevisionConflictSchema, } from "../../src/generated/annals/v1/errors_pb.js";
import { StatusSchema } from "../../src/generated/google/rpc/status_pb.js";
import { ChecksFailedError, EventIdConflictError, RevisionConflictError, } from "../../src/index.js";
import { fromResult } from "../../src/status.js";
/** Returns the error for a reason and its typed detail. */
function errorOf(reason, schema, init) {
    const info = new BinaryWriter();
    info.tag(1, WireType.LengthDelimited).string(reason);
    info.tag(2, WireType.LengthDelimited).string("annals");
    const details = [
        { typeUrl: "type.googleapis.com/google.rpc.ErrorInfo", value: info.finish() },
        { typeUrl: `type.googleapis.com/${schema.typeName}`, value: toBinary(schema, create(schema, init)) },
    ];
    return fromResult(create(StatusSchema, { code: 10, message: "refused", details }));
}
test("a revision conflict has the expected state in the form in which it is given", () => {
    for (const expected of [0, 7, "no-stream", "stream-exists"]) {
        const conflict = { stream: "order-1", expected: toPbExpected(expected) };
        const error = errorOf("REVISION_CONFLICT", RevisionConflictSchema, { ...conflict, actualRevision: 3n });
        assert.ok(error instanceof RevisionConflictError);
        assert.deepEqual([error.stream, error.expected, error.actual], ["order-1", expected, 3]);
        assert.ok(error.conflict);
        const empty = errorOf("REVISION_CONFLICT", RevisionConflictSchema, conflict);
        assert.ok(empty instanceof RevisionConflictError);
        assert.equal(empty.actual, undefined);
        const failed = [{ index: 5, found: { case: "stream", value: conflict } }];
        const checks = errorOf("CHECKS_FAILED", ChecksFailedSchema, { failed, count: 1 });
        assert.ok(checks instanceof ChecksFailedError);
        assert.deepEqual(checks.failed, [{ index: 5, stream: { stream: "order-1", expected, actual: undefined } }]);
    }
});
test("an event id conflict has no revision if the event was removed", () => {
    const id = "6b1e7d1c-0000-4000-8000-000000000001";
    const remedy = "by a different append; use a new id, or send exactly the same append again";
    const detail = { id, stream: "order-1", position: 12n };
    const stored = errorOf("EVENT_ID_CONFLICT", EventIdConflictSchema, { ...detail, revision: 0n });
    assert.ok(stored instanceof EventIdConflictError);
    assert.deepEqual([stored.id, stored.stream, stored.revision, stored.position], [id, "order-1", 0, 12]);
    assert.equal(stored.message, `event id ${id} was already appended to stream "order-1" at revision 0 (position 12), ${remedy}`);
    const removed = errorOf("EVENT_ID_CONFLICT", EventIdConflictSchema, detail);
    assert.ok(removed instanceof EventIdConflictError);
    assert.deepEqual([removed.revision, removed.position], [undefined, 12]);
    assert.equal(removed.message, `event id ${id} was already appended at position 12 (since removed), ${remedy}`);
    // A new decision with the same ids would fail again.
    assert.ok(!removed.conflict && !removed.retryable);
});
//# sourceMappingURL=status.test.js.map