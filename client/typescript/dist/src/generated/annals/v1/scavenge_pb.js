// Scavenging: reclaims the space of removed events, on disk and in the indexes.
import { enumDesc, fileDesc, messageDesc } from "@bufbuild/protobuf/codegenv2";
import { file_google_protobuf_timestamp } from "@bufbuild/protobuf/wkt";
/**
 * Describes the file annals/v1/scavenge.proto.
 */
export const file_annals_v1_scavenge = /*@__PURE__*/ fileDesc("Chhhbm5hbHMvdjEvc2NhdmVuZ2UucHJvdG8SCWFubmFscy52MSKqAgoIU2NhdmVuZ2USJwoFc3RhdGUYASABKA4yGC5hbm5hbHMudjEuU2NhdmVuZ2VTdGF0ZRIuCgpzdGFydGVkX2F0GAIgASgLMhouZ29vZ2xlLnByb3RvYnVmLlRpbWVzdGFtcBIsCghlbmRlZF9hdBgDIAEoCzIaLmdvb2dsZS5wcm90b2J1Zi5UaW1lc3RhbXASFAoMc3RyZWFtc19kb25lGAQgASgEEhUKDXN0cmVhbXNfdG90YWwYBSABKAQSFgoOZXZlbnRzX3JlbW92ZWQYBiABKAQSFQoNYnl0ZXNfcmVtb3ZlZBgHIAEoBBIPCgdwcm9ibGVtGAggASgJEhgKEHRocm91Z2hfcG9zaXRpb24YCSABKAQSEAoIaWRzX2tlcHQYCiABKAQiFgoUU3RhcnRTY2F2ZW5nZVJlcXVlc3QiPgoVU3RhcnRTY2F2ZW5nZVJlc3BvbnNlEiUKCHNjYXZlbmdlGAEgASgLMhMuYW5uYWxzLnYxLlNjYXZlbmdlIhUKE1N0b3BTY2F2ZW5nZVJlcXVlc3QiPQoUU3RvcFNjYXZlbmdlUmVzcG9uc2USJQoIc2NhdmVuZ2UYASABKAsyEy5hbm5hbHMudjEuU2NhdmVuZ2UiFAoSR2V0U2NhdmVuZ2VSZXF1ZXN0IjwKE0dldFNjYXZlbmdlUmVzcG9uc2USJQoIc2NhdmVuZ2UYASABKAsyEy5hbm5hbHMudjEuU2NhdmVuZ2UqhAEKDVNjYXZlbmdlU3RhdGUSHgoaU0NBVkVOR0VfU1RBVEVfVU5TUEVDSUZJRUQQABIaChZTQ0FWRU5HRV9TVEFURV9SVU5OSU5HEAESGgoWU0NBVkVOR0VfU1RBVEVfU1RPUFBFRBACEhsKF1NDQVZFTkdFX1NUQVRFX0ZJTklTSEVEEANiBnByb3RvMw", [file_google_protobuf_timestamp]);
/**
 * Describes the message annals.v1.Scavenge.
 * Use `create(ScavengeSchema)` to create a new message.
 */
export const ScavengeSchema = /*@__PURE__*/ messageDesc(file_annals_v1_scavenge, 0);
/**
 * Describes the message annals.v1.StartScavengeRequest.
 * Use `create(StartScavengeRequestSchema)` to create a new message.
 */
export const StartScavengeRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_scavenge, 1);
/**
 * Describes the message annals.v1.StartScavengeResponse.
 * Use `create(StartScavengeResponseSchema)` to create a new message.
 */
export const StartScavengeResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_scavenge, 2);
/**
 * Describes the message annals.v1.StopScavengeRequest.
 * Use `create(StopScavengeRequestSchema)` to create a new message.
 */
export const StopScavengeRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_scavenge, 3);
/**
 * Describes the message annals.v1.StopScavengeResponse.
 * Use `create(StopScavengeResponseSchema)` to create a new message.
 */
export const StopScavengeResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_scavenge, 4);
/**
 * Describes the message annals.v1.GetScavengeRequest.
 * Use `create(GetScavengeRequestSchema)` to create a new message.
 */
export const GetScavengeRequestSchema = /*@__PURE__*/ messageDesc(file_annals_v1_scavenge, 5);
/**
 * Describes the message annals.v1.GetScavengeResponse.
 * Use `create(GetScavengeResponseSchema)` to create a new message.
 */
export const GetScavengeResponseSchema = /*@__PURE__*/ messageDesc(file_annals_v1_scavenge, 6);
/**
 * The state of a scavenge.
 *
 * @generated from enum annals.v1.ScavengeState
 */
export var ScavengeState;
(function (ScavengeState) {
    /**
     * Never sent.
     *
     * @generated from enum value: SCAVENGE_STATE_UNSPECIFIED = 0;
     */
    ScavengeState[ScavengeState["UNSPECIFIED"] = 0] = "UNSPECIFIED";
    /**
     * The scavenge is running.
     *
     * @generated from enum value: SCAVENGE_STATE_RUNNING = 1;
     */
    ScavengeState[ScavengeState["RUNNING"] = 1] = "RUNNING";
    /**
     * The scavenge was stopped before it finished. StartScavenge continues it.
     *
     * @generated from enum value: SCAVENGE_STATE_STOPPED = 2;
     */
    ScavengeState[ScavengeState["STOPPED"] = 2] = "STOPPED";
    /**
     * The scavenge finished.
     *
     * @generated from enum value: SCAVENGE_STATE_FINISHED = 3;
     */
    ScavengeState[ScavengeState["FINISHED"] = 3] = "FINISHED";
})(ScavengeState || (ScavengeState = {}));
/**
 * Describes the enum annals.v1.ScavengeState.
 */
export const ScavengeStateSchema = /*@__PURE__*/ enumDesc(file_annals_v1_scavenge, 0);
//# sourceMappingURL=scavenge_pb.js.map