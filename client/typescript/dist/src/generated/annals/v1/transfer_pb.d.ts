import type { GenFile, GenMessage, GenService } from "@bufbuild/protobuf/codegenv2";
import type { EventBatch } from "./event_pb.js";
import type { Snapshot } from "./snapshot_pb.js";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Message } from "@bufbuild/protobuf";
/**
 * Describes the file annals/v1/transfer.proto.
 */
export declare const file_annals_v1_transfer: GenFile;
/**
 * Request of Export.
 *
 * @generated from message annals.v1.ExportRequest
 */
export type ExportRequest = Message<"annals.v1.ExportRequest"> & {
    /**
     * Exports only the log after this position, to continue an interrupted export. The data that belongs to the log is
     * sent in full.
     *
     * @generated from field: uint64 after_position = 1;
     */
    afterPosition: bigint;
};
/**
 * Describes the message annals.v1.ExportRequest.
 * Use `create(ExportRequestSchema)` to create a new message.
 */
export declare const ExportRequestSchema: GenMessage<ExportRequest>;
/**
 * The next part of an export. The first is a TransferBegin, the last a TransferEnd.
 *
 * @generated from message annals.v1.ExportResponse
 */
export type ExportResponse = Message<"annals.v1.ExportResponse"> & {
    /**
     * The part.
     *
     * @generated from field: annals.v1.TransferPart part = 1;
     */
    part?: TransferPart | undefined;
};
/**
 * Describes the message annals.v1.ExportResponse.
 * Use `create(ExportResponseSchema)` to create a new message.
 */
export declare const ExportResponseSchema: GenMessage<ExportResponse>;
/**
 * Request of BeginImport.
 *
 * @generated from message annals.v1.BeginImportRequest
 */
export type BeginImportRequest = Message<"annals.v1.BeginImportRequest"> & {
    /**
     * Identity of the store that the log comes from, a UUID.
     *
     * @generated from field: string source_store_id = 1;
     */
    sourceStoreId: string;
};
/**
 * Describes the message annals.v1.BeginImportRequest.
 * Use `create(BeginImportRequestSchema)` to create a new message.
 */
export declare const BeginImportRequestSchema: GenMessage<BeginImportRequest>;
/**
 * Result of BeginImport.
 *
 * @generated from message annals.v1.BeginImportResponse
 */
export type BeginImportResponse = Message<"annals.v1.BeginImportResponse"> & {
    /**
     * The last position that this store holds; 0 if none. The import continues with the next one.
     *
     * @generated from field: uint64 position = 1;
     */
    position: bigint;
};
/**
 * Describes the message annals.v1.BeginImportResponse.
 * Use `create(BeginImportResponseSchema)` to create a new message.
 */
export declare const BeginImportResponseSchema: GenMessage<BeginImportResponse>;
/**
 * The next part to import. The first is the TransferBegin of the export, the last its TransferEnd.
 *
 * @generated from message annals.v1.ImportRequest
 */
export type ImportRequest = Message<"annals.v1.ImportRequest"> & {
    /**
     * The part, as it was exported.
     *
     * @generated from field: annals.v1.TransferPart part = 1;
     */
    part?: TransferPart | undefined;
};
/**
 * Describes the message annals.v1.ImportRequest.
 * Use `create(ImportRequestSchema)` to create a new message.
 */
export declare const ImportRequestSchema: GenMessage<ImportRequest>;
/**
 * Result of Import: the log is complete.
 *
 * @generated from message annals.v1.ImportResponse
 */
export type ImportResponse = Message<"annals.v1.ImportResponse"> & {
    /**
     * The log's last position, the same as in the source store.
     *
     * @generated from field: uint64 head = 1;
     */
    head: bigint;
};
/**
 * Describes the message annals.v1.ImportResponse.
 * Use `create(ImportResponseSchema)` to create a new message.
 */
export declare const ImportResponseSchema: GenMessage<ImportResponse>;
/**
 * A part of an export. Events and gaps come first, in the order of the log. Together they cover every position.
 *
 * @generated from message annals.v1.TransferPart
 */
export type TransferPart = Message<"annals.v1.TransferPart"> & {
    /**
     * Exactly one is set.
     *
     * @generated from oneof annals.v1.TransferPart.part
     */
    part: {
        /**
         * The first part.
         *
         * @generated from field: annals.v1.TransferBegin begin = 1;
         */
        value: TransferBegin;
        case: "begin";
    } | {
        /**
         * The next events.
         *
         * @generated from field: annals.v1.EventBatch events = 2;
         */
        value: EventBatch;
        case: "events";
    } | {
        /**
         * The next positions, whose events have been removed.
         *
         * @generated from field: annals.v1.TransferGap gap = 3;
         */
        value: TransferGap;
        case: "gap";
    } | {
        /**
         * Streams that may have removed events.
         *
         * @generated from field: annals.v1.TransferStreams streams = 4;
         */
        value: TransferStreams;
        case: "streams";
    } | {
        /**
         * Appends that are recognised by the id of their first event.
         *
         * @generated from field: annals.v1.TransferAppends appends = 5;
         */
        value: TransferAppends;
        case: "appends";
    } | {
        /**
         * A snapshot.
         *
         * @generated from field: annals.v1.Snapshot snapshot = 6;
         */
        value: Snapshot;
        case: "snapshot";
    } | {
        /**
         * The last part.
         *
         * @generated from field: annals.v1.TransferEnd end = 7;
         */
        value: TransferEnd;
        case: "end";
    } | {
        case: undefined;
        value?: undefined;
    };
};
/**
 * Describes the message annals.v1.TransferPart.
 * Use `create(TransferPartSchema)` to create a new message.
 */
export declare const TransferPartSchema: GenMessage<TransferPart>;
/**
 * The beginning of an export.
 *
 * @generated from message annals.v1.TransferBegin
 */
export type TransferBegin = Message<"annals.v1.TransferBegin"> & {
    /**
     * Identity of the store that the log comes from, a UUID.
     *
     * @generated from field: string source_store_id = 1;
     */
    sourceStoreId: string;
    /**
     * The head when the export began.
     *
     * @generated from field: uint64 head = 2;
     */
    head: bigint;
};
/**
 * Describes the message annals.v1.TransferBegin.
 * Use `create(TransferBeginSchema)` to create a new message.
 */
export declare const TransferBeginSchema: GenMessage<TransferBegin>;
/**
 * A range of positions whose events have been removed by retention, by deletion or with a tombstone, scavenged or
 * not.
 *
 * @generated from message annals.v1.TransferGap
 */
export type TransferGap = Message<"annals.v1.TransferGap"> & {
    /**
     * The first position of the range.
     *
     * @generated from field: uint64 first_position = 1;
     */
    firstPosition: bigint;
    /**
     * The last position of the range.
     *
     * @generated from field: uint64 last_position = 2;
     */
    lastPosition: bigint;
    /**
     * When the event at last_position was recorded. Absent if that is no longer known; always set at the end of the
     * log.
     *
     * @generated from field: google.protobuf.Timestamp recorded_at = 3;
     */
    recordedAt?: Timestamp | undefined;
};
/**
 * Describes the message annals.v1.TransferGap.
 * Use `create(TransferGapSchema)` to create a new message.
 */
export declare const TransferGapSchema: GenMessage<TransferGap>;
/**
 * Streams that may have removed events.
 *
 * @generated from message annals.v1.TransferStreams
 */
export type TransferStreams = Message<"annals.v1.TransferStreams"> & {
    /**
     * At least one stream.
     *
     * @generated from field: repeated annals.v1.TransferStream streams = 1;
     */
    streams: TransferStream[];
};
/**
 * Describes the message annals.v1.TransferStreams.
 * Use `create(TransferStreamsSchema)` to create a new message.
 */
export declare const TransferStreamsSchema: GenMessage<TransferStreams>;
/**
 * Properties of a stream that can't be derived from its remaining events.
 *
 * @generated from message annals.v1.TransferStream
 */
export type TransferStream = Message<"annals.v1.TransferStream"> & {
    /**
     * Name of the stream, which may be a system stream.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
    /**
     * Position of the event that began the stream, or that began it again after a deletion. 0: the stream was deleted
     * and begun again during the export.
     *
     * @generated from field: uint64 first_position = 2;
     */
    firstPosition: bigint;
    /**
     * When the event at first_position was recorded.
     *
     * @generated from field: google.protobuf.Timestamp created_at = 3;
     */
    createdAt?: Timestamp | undefined;
    /**
     * Revision of the stream's last event.
     *
     * @generated from field: uint64 last_revision = 4;
     */
    lastRevision: bigint;
    /**
     * Position of the stream's last event.
     *
     * @generated from field: uint64 last_position = 5;
     */
    lastPosition: bigint;
};
/**
 * Describes the message annals.v1.TransferStream.
 * Use `create(TransferStreamSchema)` to create a new message.
 */
export declare const TransferStreamSchema: GenMessage<TransferStream>;
/**
 * Appends that are recognised by the id of their first event.
 *
 * @generated from message annals.v1.TransferAppends
 */
export type TransferAppends = Message<"annals.v1.TransferAppends"> & {
    /**
     * At least one append.
     *
     * @generated from field: repeated annals.v1.TransferAppend appends = 1;
     */
    appends: TransferAppend[];
};
/**
 * Describes the message annals.v1.TransferAppends.
 * Use `create(TransferAppendsSchema)` to create a new message.
 */
export declare const TransferAppendsSchema: GenMessage<TransferAppends>;
/**
 * An append that is recognised by the id of its first event.
 *
 * @generated from message annals.v1.TransferAppend
 */
export type TransferAppend = Message<"annals.v1.TransferAppend"> & {
    /**
     * Id of the append's first event, a UUID.
     *
     * @generated from field: string id = 1;
     */
    id: string;
    /**
     * Position of the append's first event.
     *
     * @generated from field: uint64 position = 2;
     */
    position: bigint;
    /**
     * Number of events in the append.
     *
     * @generated from field: uint32 events = 3;
     */
    events: number;
};
/**
 * Describes the message annals.v1.TransferAppend.
 * Use `create(TransferAppendSchema)` to create a new message.
 */
export declare const TransferAppendSchema: GenMessage<TransferAppend>;
/**
 * The end of an export.
 *
 * @generated from message annals.v1.TransferEnd
 */
export type TransferEnd = Message<"annals.v1.TransferEnd"> & {
    /**
     * The log's last position.
     *
     * @generated from field: uint64 head = 1;
     */
    head: bigint;
};
/**
 * Describes the message annals.v1.TransferEnd.
 * Use `create(TransferEndSchema)` to create a new message.
 */
export declare const TransferEndSchema: GenMessage<TransferEnd>;
/**
 * Moves a log from one store to another, for operators. The moved log has the same events at the same positions and
 * revisions, with the same times and ids, the same removed positions and the same head. Stream settings, snapshots
 * and the ids by which retries are recognised are moved with it. Checkpoints of consumers stay valid. The target
 * store keeps its own identity.
 *
 * @generated from service annals.v1.TransferService
 */
export declare const TransferService: GenService<{
    /**
     * Exports everything that the store holds: the log in order, then the data that belongs to it, then an end marker.
     * The export ends at the head when the export began, or later. Fails with POSITION_BEYOND_HEAD, MOVE_UNFINISHED.
     *
     * @generated from rpc annals.v1.TransferService.Export
     */
    export: {
        methodKind: "server_streaming";
        input: typeof ExportRequestSchema;
        output: typeof ExportResponseSchema;
    };
    /**
     * Returns how much of a log this store already holds. Writes nothing. Fails with INVALID_FIELD, MOVE_REFUSED,
     * RECORDED_TIME_NOT_ACCEPTED, OVERLOADED.
     *
     * @generated from rpc annals.v1.TransferService.BeginImport
     */
    beginImport: {
        methodKind: "unary";
        input: typeof BeginImportRequestSchema;
        output: typeof BeginImportResponseSchema;
    };
    /**
     * Imports the parts of an export, in order, starting after the position that BeginImport returned. If the
     * connection breaks, parts that were sent may have been written: start again with BeginImport. The store accepts no
     * appends before it has received the end (MOVE_UNFINISHED). Requires a server that was started with
     * --accept-recorded-times (otherwise RECORDED_TIME_NOT_ACCEPTED), and a store that is empty or contains only the
     * beginning of this log (otherwise MOVE_REFUSED). Also fails with INVALID_FIELD, RECORDED_TIME_OUT_OF_RANGE,
     * OVERLOADED.
     *
     * @generated from rpc annals.v1.TransferService.Import
     */
    import: {
        methodKind: "client_streaming";
        input: typeof ImportRequestSchema;
        output: typeof ImportResponseSchema;
    };
}>;
//# sourceMappingURL=transfer_pb.d.ts.map