import type { GenEnum, GenFile, GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Message } from "@bufbuild/protobuf";
/**
 * Describes the file annals/v1/scavenge.proto.
 */
export declare const file_annals_v1_scavenge: GenFile;
/**
 * A scavenge: one pass over all streams from which events were removed. A store runs one scavenge at a time, however
 * many servers it has. A scavenge continues on its own after a server restart.
 *
 * @generated from message annals.v1.Scavenge
 */
export type Scavenge = Message<"annals.v1.Scavenge"> & {
    /**
     * Whether the scavenge is running.
     *
     * @generated from field: annals.v1.ScavengeState state = 1;
     */
    state: ScavengeState;
    /**
     * When the scavenge was started.
     *
     * @generated from field: google.protobuf.Timestamp started_at = 2;
     */
    startedAt?: Timestamp | undefined;
    /**
     * When the scavenge finished or was stopped. Absent while it runs.
     *
     * @generated from field: google.protobuf.Timestamp ended_at = 3;
     */
    endedAt?: Timestamp | undefined;
    /**
     * Streams processed so far, out of streams_total.
     *
     * @generated from field: uint64 streams_done = 4;
     */
    streamsDone: bigint;
    /**
     * Streams that had a retention, a deletion or a tombstone of their own when the scavenge was started. Streams that
     * are only subject to a prefix's retention are added as they are found.
     *
     * @generated from field: uint64 streams_total = 5;
     */
    streamsTotal: bigint;
    /**
     * Events removed so far.
     *
     * @generated from field: uint64 events_removed = 6;
     */
    eventsRemoved: bigint;
    /**
     * Bytes of frames removed so far, counted before compression. The engine returns the space to the disk later.
     *
     * @generated from field: uint64 bytes_removed = 7;
     */
    bytesRemoved: bigint;
    /**
     * Why the last attempt to continue failed. The server tries again. Empty: no problem.
     *
     * @generated from field: string problem = 8;
     */
    problem: string;
    /**
     * Events up to this position are scavenged: the head when the work began. Events that were appended or that expired
     * later are left to the next scavenge.
     *
     * @generated from field: uint64 through_position = 9;
     */
    throughPosition: bigint;
    /**
     * Appends of the last day whose first event was removed. Their ids are kept (about 100 bytes each), so that a retry
     * is recognised.
     *
     * @generated from field: uint64 ids_kept = 10;
     */
    idsKept: bigint;
};
/**
 * Describes the message annals.v1.Scavenge.
 * Use `create(ScavengeSchema)` to create a new message.
 */
export declare const ScavengeSchema: GenMessage<Scavenge>;
/**
 * Request of StartScavenge.
 *
 * @generated from message annals.v1.StartScavengeRequest
 */
export type StartScavengeRequest = Message<"annals.v1.StartScavengeRequest"> & {};
/**
 * Describes the message annals.v1.StartScavengeRequest.
 * Use `create(StartScavengeRequestSchema)` to create a new message.
 */
export declare const StartScavengeRequestSchema: GenMessage<StartScavengeRequest>;
/**
 * Result of StartScavenge.
 *
 * @generated from message annals.v1.StartScavengeResponse
 */
export type StartScavengeResponse = Message<"annals.v1.StartScavengeResponse"> & {
    /**
     * The scavenge that is now running.
     *
     * @generated from field: annals.v1.Scavenge scavenge = 1;
     */
    scavenge?: Scavenge | undefined;
};
/**
 * Describes the message annals.v1.StartScavengeResponse.
 * Use `create(StartScavengeResponseSchema)` to create a new message.
 */
export declare const StartScavengeResponseSchema: GenMessage<StartScavengeResponse>;
/**
 * Request of StopScavenge.
 *
 * @generated from message annals.v1.StopScavengeRequest
 */
export type StopScavengeRequest = Message<"annals.v1.StopScavengeRequest"> & {};
/**
 * Describes the message annals.v1.StopScavengeRequest.
 * Use `create(StopScavengeRequestSchema)` to create a new message.
 */
export declare const StopScavengeRequestSchema: GenMessage<StopScavengeRequest>;
/**
 * Result of StopScavenge.
 *
 * @generated from message annals.v1.StopScavengeResponse
 */
export type StopScavengeResponse = Message<"annals.v1.StopScavengeResponse"> & {
    /**
     * The scavenge that was stopped, or that ran last. Absent if none was ever started.
     *
     * @generated from field: annals.v1.Scavenge scavenge = 1;
     */
    scavenge?: Scavenge | undefined;
};
/**
 * Describes the message annals.v1.StopScavengeResponse.
 * Use `create(StopScavengeResponseSchema)` to create a new message.
 */
export declare const StopScavengeResponseSchema: GenMessage<StopScavengeResponse>;
/**
 * Request of GetScavenge.
 *
 * @generated from message annals.v1.GetScavengeRequest
 */
export type GetScavengeRequest = Message<"annals.v1.GetScavengeRequest"> & {};
/**
 * Describes the message annals.v1.GetScavengeRequest.
 * Use `create(GetScavengeRequestSchema)` to create a new message.
 */
export declare const GetScavengeRequestSchema: GenMessage<GetScavengeRequest>;
/**
 * Result of GetScavenge.
 *
 * @generated from message annals.v1.GetScavengeResponse
 */
export type GetScavengeResponse = Message<"annals.v1.GetScavengeResponse"> & {
    /**
     * The scavenge that is running, was stopped, or ran last. Absent if none was ever started.
     *
     * @generated from field: annals.v1.Scavenge scavenge = 1;
     */
    scavenge?: Scavenge | undefined;
};
/**
 * Describes the message annals.v1.GetScavengeResponse.
 * Use `create(GetScavengeResponseSchema)` to create a new message.
 */
export declare const GetScavengeResponseSchema: GenMessage<GetScavengeResponse>;
/**
 * The state of a scavenge.
 *
 * @generated from enum annals.v1.ScavengeState
 */
export declare enum ScavengeState {
    /**
     * Never sent.
     *
     * @generated from enum value: SCAVENGE_STATE_UNSPECIFIED = 0;
     */
    UNSPECIFIED = 0,
    /**
     * The scavenge is running.
     *
     * @generated from enum value: SCAVENGE_STATE_RUNNING = 1;
     */
    RUNNING = 1,
    /**
     * The scavenge was stopped before it finished. StartScavenge continues it.
     *
     * @generated from enum value: SCAVENGE_STATE_STOPPED = 2;
     */
    STOPPED = 2,
    /**
     * The scavenge finished.
     *
     * @generated from enum value: SCAVENGE_STATE_FINISHED = 3;
     */
    FINISHED = 3
}
/**
 * Describes the enum annals.v1.ScavengeState.
 */
export declare const ScavengeStateSchema: GenEnum<ScavengeState>;
//# sourceMappingURL=scavenge_pb.d.ts.map