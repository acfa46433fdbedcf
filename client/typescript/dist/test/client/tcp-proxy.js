/** A TCP proxy to a server. Closing it breaks all of its connections; it can be reopened on the same port. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
export class TcpProxy {
    endpoint;
    #server;
    #port = 0;
    #sockets = new Set();
    /** Bytes transferred in both directions. */
    bytes = 0;
    /** @param endpoint The endpoint of the server. */
    constructor(endpoint) {
        this.endpoint = endpoint;
    }
    get name() {
        return `http://127.0.0.1:${this.#port}`;
    }
    async open() {
        const server = createServer((from) => {
            const { hostname, port } = new URL(this.endpoint);
            const to = connect(Number(port), hostname);
            for (const [one, other] of [
                [from, to],
                [to, from],
            ]) {
                this.#sockets.add(one);
                one.on("data", (data) => {
                    this.bytes += data.length;
                    other.write(data);
                });
                one.on("error", () => undefined);
                one.on("close", () => {
                    this.#sockets.delete(one);
                    other.destroy();
                });
            }
        });
        server.listen(this.#port, "127.0.0.1");
        await once(server, "listening");
        this.#port = server.address().port;
        this.#server = server;
    }
    async shut() {
        const server = this.#server;
        this.#server = undefined;
        if (server === undefined)
            return;
        const closed = once(server, "close");
        server.close();
        this.#sockets.forEach((socket) => socket.destroy());
        await closed;
    }
}
//# sourceMappingURL=tcp-proxy.js.map