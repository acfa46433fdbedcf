import { type ServiceError } from "@grpc/grpc-js";
import { type AnnalsError } from "./errors.js";
import { type Status } from "./generated/google/rpc/status_pb.js";
/** Converts the failure of a call to `endpoint`. */
export declare function fromServiceError(failed: ServiceError, endpoint: string): AnnalsError;
/** Converts the failure of one append of a pipeline. */
export declare function fromResult(status: Status): AnnalsError;
//# sourceMappingURL=status.d.ts.map