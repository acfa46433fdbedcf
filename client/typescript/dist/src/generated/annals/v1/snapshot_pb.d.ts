import type { GenFile, GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Message } from "@bufbuild/protobuf";
/**
 * Describes the file annals/v1/snapshot.proto.
 */
export declare const file_annals_v1_snapshot: GenFile;
/**
 * A snapshot of a stream. It is not an event and has no position. It can always be rebuilt from the stream, so losing
 * it loses no data.
 *
 * @generated from message annals.v1.Snapshot
 */
export type Snapshot = Message<"annals.v1.Snapshot"> & {
    /**
     * Name of the stream.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
    /**
     * Revision of the last event that the snapshot includes.
     *
     * @generated from field: uint64 revision = 2;
     */
    revision: bigint;
    /**
     * Version of the snapshot's format, numbered by the client. After a change of format, snapshots of the old version
     * are skipped. Clients that do not number their formats use 0.
     *
     * @generated from field: uint32 schema_version = 3;
     */
    schemaVersion: number;
    /**
     * The state, in any encoding. 0 bytes to the server's max_snapshot_bytes (4,000,000 unless configured, so that the
     * response of LoadSnapshot stays below the 4 MiB that gRPC clients accept by default).
     *
     * @generated from field: bytes data = 4;
     */
    data: Uint8Array;
    /**
     * When the snapshot was saved.
     *
     * @generated from field: google.protobuf.Timestamp saved_at = 5;
     */
    savedAt?: Timestamp | undefined;
};
/**
 * Describes the message annals.v1.Snapshot.
 * Use `create(SnapshotSchema)` to create a new message.
 */
export declare const SnapshotSchema: GenMessage<Snapshot>;
/**
 * Request of SaveSnapshot: a snapshot to store.
 *
 * @generated from message annals.v1.SaveSnapshotRequest
 */
export type SaveSnapshotRequest = Message<"annals.v1.SaveSnapshotRequest"> & {
    /**
     * Name of the stream.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
    /**
     * Revision of the last event that the snapshot includes. The stream must have reached it and must not have lost it
     * by deletion.
     *
     * @generated from field: uint64 revision = 2;
     */
    revision: bigint;
    /**
     * Version of the snapshot's format, numbered by the client.
     *
     * @generated from field: uint32 schema_version = 3;
     */
    schemaVersion: number;
    /**
     * The state, in any encoding. It replaces a snapshot with the same revision and schema version.
     *
     * @generated from field: bytes data = 4;
     */
    data: Uint8Array;
    /**
     * How many snapshots of the stream to keep, those with the greatest revisions: 1 to 100. Absent: 3.
     *
     * @generated from field: optional uint32 keep = 5;
     */
    keep?: number | undefined;
};
/**
 * Describes the message annals.v1.SaveSnapshotRequest.
 * Use `create(SaveSnapshotRequestSchema)` to create a new message.
 */
export declare const SaveSnapshotRequestSchema: GenMessage<SaveSnapshotRequest>;
/**
 * Result of SaveSnapshot.
 *
 * @generated from message annals.v1.SaveSnapshotResponse
 */
export type SaveSnapshotResponse = Message<"annals.v1.SaveSnapshotResponse"> & {
    /**
     * When the snapshot was saved.
     *
     * @generated from field: google.protobuf.Timestamp saved_at = 1;
     */
    savedAt?: Timestamp | undefined;
};
/**
 * Describes the message annals.v1.SaveSnapshotResponse.
 * Use `create(SaveSnapshotResponseSchema)` to create a new message.
 */
export declare const SaveSnapshotResponseSchema: GenMessage<SaveSnapshotResponse>;
/**
 * Request of LoadSnapshot: selects a snapshot.
 *
 * @generated from message annals.v1.LoadSnapshotRequest
 */
export type LoadSnapshotRequest = Message<"annals.v1.LoadSnapshotRequest"> & {
    /**
     * Name of the stream.
     *
     * @generated from field: string stream = 1;
     */
    stream: string;
    /**
     * Selects the latest snapshot at or before this revision. Absent: the latest snapshot.
     *
     * @generated from field: optional uint64 at_or_before = 2;
     */
    atOrBefore?: bigint | undefined;
    /**
     * Selects only snapshots of this format version. Absent: of any version.
     *
     * @generated from field: optional uint32 schema_version = 3;
     */
    schemaVersion?: number | undefined;
};
/**
 * Describes the message annals.v1.LoadSnapshotRequest.
 * Use `create(LoadSnapshotRequestSchema)` to create a new message.
 */
export declare const LoadSnapshotRequestSchema: GenMessage<LoadSnapshotRequest>;
/**
 * Result of LoadSnapshot.
 *
 * @generated from message annals.v1.LoadSnapshotResponse
 */
export type LoadSnapshotResponse = Message<"annals.v1.LoadSnapshotResponse"> & {
    /**
     * The selected snapshot.
     *
     * @generated from field: annals.v1.Snapshot snapshot = 1;
     */
    snapshot?: Snapshot | undefined;
};
/**
 * Describes the message annals.v1.LoadSnapshotResponse.
 * Use `create(LoadSnapshotResponseSchema)` to create a new message.
 */
export declare const LoadSnapshotResponseSchema: GenMessage<LoadSnapshotResponse>;
//# sourceMappingURL=snapshot_pb.d.ts.map