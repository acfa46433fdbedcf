/**
 * Detects endpoints that do not speak gRPC, after a call failed in a way that is not a gRPC server's.
 *
 * The port for health and metrics is next to the one for gRPC, and answers HTTP/2 as well, with 404. Without this
 * check, a client of that port would report that the server is too old.
 */
import { type ServiceError } from "@grpc/grpc-js";
/** Whether a call failed because the endpoint answered, but not in gRPC. */
export declare function isForeign({ code, details }: ServiceError): boolean;
/** Whether the address answers HTTP/1.1 without TLS. */
export declare function answersHttp1(address: string): Promise<boolean>;
//# sourceMappingURL=wire.d.ts.map