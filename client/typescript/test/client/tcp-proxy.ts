/** A TCP proxy to a server. Closing it breaks all of its connections; it can be reopened on the same port. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export class TcpProxy {
  #server: Server | undefined;
  #port = 0;
  readonly #sockets = new Set<Socket>();
  /** Bytes transferred in both directions. */
  bytes = 0;

  /** @param endpoint The endpoint of the server. */
  constructor(private readonly endpoint: string) {}

  get name(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async open(): Promise<void> {
    const server = createServer((from) => {
      const { hostname, port } = new URL(this.endpoint);
      const to = connect(Number(port), hostname);
      for (const [one, other] of [
        [from, to],
        [to, from],
      ] as const) {
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
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async shut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, "close");
    server.close();
    this.#sockets.forEach((socket) => socket.destroy());
    await closed;
  }
}
