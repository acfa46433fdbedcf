/** Properties of a server. */
import { ProtocolError } from "./errors.js";
import { toNumber } from "./numbers.js";
import { fromPbTime } from "./timestamp.js";
/** Converts from the protocol. */
export function fromPbServerInfo(info) {
    if (info.limits === undefined) {
        throw new ProtocolError("limits are missing");
    }
    const limits = info.limits;
    return {
        version: info.version,
        engine: info.engine,
        storeId: info.storeId,
        head: toNumber(info.head),
        indexed: toNumber(info.indexed),
        startedAt: fromPbTime(info.startedAt, "started_at"),
        limits: {
            maxEventBytes: limits.maxEventBytes,
            maxAppendBytes: limits.maxAppendBytes,
            maxMetadataBytes: limits.maxMetadataBytes,
            maxAppendEvents: limits.maxAppendEvents,
            maxStreamNameBytes: limits.maxStreamNameBytes,
            maxEventTypeBytes: limits.maxEventTypeBytes,
            maxTagBytes: limits.maxTagBytes,
            maxTags: limits.maxTags,
            maxSubscriptions: limits.maxSubscriptions,
            maxAppendChecks: limits.maxAppendChecks,
            maxSnapshotBytes: limits.maxSnapshotBytes,
            maxPrefixRetentions: limits.maxPrefixRetentions,
        },
    };
}
//# sourceMappingURL=server.js.map