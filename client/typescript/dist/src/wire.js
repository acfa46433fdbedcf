/**
 * Detects endpoints that do not speak gRPC, after a call failed in a way that is not a gRPC server's.
 *
 * The port for health and metrics is next to the one for gRPC, and answers HTTP/2 as well, with 404. Without this
 * check, a client of that port would report that the server is too old.
 */
import { status as Code } from "@grpc/grpc-js";
import { connect } from "node:net";
/** Maximum time until an endpoint answers, in milliseconds. */
const ANSWER_MS_MAX = 1_000;
/** Whether a call failed because the endpoint answered, but not in gRPC. */
export function isForeign({ code, details }) {
    return code === Code.UNAVAILABLE
        ? /Protocol error|wrong version number|packet length too long/.test(details)
        : details.startsWith("Received HTTP status code");
}
/** Whether the address answers HTTP/1.1 without TLS. */
export function answersHttp1(address) {
    const [, host = "", port = ""] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
    return new Promise((resolve) => {
        let answer = "";
        const socket = connect({ host, port: Number(port) });
        socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
        socket.on("connect", () => socket.write(`GET / HTTP/1.1\r\nHost: ${address}\r\nConnection: close\r\n\r\n`));
        socket.on("data", (data) => {
            answer += data.toString("latin1");
            if (answer.length >= "HTTP/1.".length)
                socket.destroy();
        });
        socket.on("error", () => undefined);
        socket.on("close", () => {
            resolve(answer.startsWith("HTTP/1."));
        });
    });
}
//# sourceMappingURL=wire.js.map