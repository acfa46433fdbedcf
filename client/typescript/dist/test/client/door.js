/** A second way to a server, which can be shut, with all that is in it, and opened again. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
export class Door {
    endpoint;
    #server;
    #port = 0;
    #sockets = new Set();
    /** Bytes that have gone through, in both directions. */
    bytes = 0;
    /** @param endpoint Where it leads. */
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
            for (const [one, other] of [[from, to], [to, from]]) {
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
//# sourceMappingURL=door.js.map