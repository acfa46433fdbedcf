/** Properties of streams, their retention, their deletion, snapshots and scavenging. */
import { create } from "@bufbuild/protobuf";
import { toMilliseconds } from "./duration.js";
import { ProtocolError } from "./errors.js";
import { ScavengeState } from "./generated/annals/v1/scavenge_pb.js";
import { RetentionSchema, } from "./generated/annals/v1/stream_pb.js";
import { toBigInt, toNumber } from "./numbers.js";
import { fromPbTime } from "./timestamp.js";
/** Converts from the protocol. */
export function fromPbStream(stream) {
    if (stream === undefined) {
        throw new ProtocolError("a stream without content");
    }
    return {
        name: stream.name,
        lastRevision: toNumber(stream.lastRevision),
        lastPosition: toNumber(stream.lastPosition),
        firstPosition: toNumber(stream.firstPosition),
        createdAt: fromPbTime(stream.createdAt, "created_at"),
        firstRevision: toNumber(stream.firstRevision),
        retention: fromPbRetention(stream.retention),
        ...(stream.retentionPrefix !== "" && { retentionPrefix: stream.retentionPrefix }),
    };
}
/** Converts from the protocol. */
export function fromPbPrefixRetention(kept) {
    if (kept === undefined) {
        throw new ProtocolError("the retention of a prefix is missing");
    }
    return { prefix: kept.prefix, retention: fromPbRetention(kept.retention), version: toNumber(kept.version) };
}
/** Converts from the protocol. */
export function fromPbRetention(retention) {
    if (retention === undefined) {
        return {};
    }
    return {
        ...(retention.maxCount !== undefined && { maxCount: toNumber(retention.maxCount) }),
        ...(retention.maxAge !== undefined && { maxAge: { seconds: Number(retention.maxAge.seconds) } }),
        ...(retention.truncateBefore > 0n && { truncateBefore: toNumber(retention.truncateBefore) }),
    };
}
/** Converts to the protocol. */
export function toPbRetention({ maxCount, maxAge, truncateBefore }) {
    return create(RetentionSchema, {
        ...(maxCount !== undefined && { maxCount: toBigInt(maxCount, "maxCount") }),
        ...(maxAge !== undefined && {
            maxAge: { seconds: toBigInt(toMilliseconds(maxAge, "maxAge") / 1_000, "maxAge") },
        }),
        ...(truncateBefore !== undefined && { truncateBefore: toBigInt(truncateBefore, "truncateBefore") }),
    });
}
/** Converts from the protocol. */
export function fromPbSnapshot(snapshot) {
    if (snapshot === undefined) {
        throw new ProtocolError("a snapshot without content");
    }
    return {
        stream: snapshot.stream,
        revision: toNumber(snapshot.revision),
        schemaVersion: snapshot.schemaVersion,
        data: snapshot.data,
        savedAt: fromPbTime(snapshot.savedAt, "saved_at"),
    };
}
const SCAVENGE_STATES = {
    [ScavengeState.UNSPECIFIED]: undefined,
    [ScavengeState.RUNNING]: "running",
    [ScavengeState.STOPPED]: "stopped",
    [ScavengeState.FINISHED]: "finished",
};
/** Converts from the protocol. */
export function fromPbScavenge(scavenge) {
    const state = SCAVENGE_STATES[scavenge.state];
    if (state === undefined) {
        throw new ProtocolError(`a scavenge in state ${scavenge.state}`);
    }
    return {
        state,
        startedAt: fromPbTime(scavenge.startedAt, "started_at"),
        endedAt: scavenge.endedAt === undefined ? undefined : fromPbTime(scavenge.endedAt, "ended_at"),
        streamsDone: toNumber(scavenge.streamsDone),
        streamsTotal: toNumber(scavenge.streamsTotal),
        eventsRemoved: toNumber(scavenge.eventsRemoved),
        bytesRemoved: toNumber(scavenge.bytesRemoved),
        problem: scavenge.problem,
        throughPosition: toNumber(scavenge.throughPosition),
        idsKept: toNumber(scavenge.idsKept),
    };
}
//# sourceMappingURL=streams.js.map