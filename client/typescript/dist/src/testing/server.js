/**
 * A server for one test: a process on a free loopback port, with a directory that is removed at the end.
 *
 * The binary is the one given, or `ANNALS_SERVER`, or `annals-server` on the PATH, or, in a checkout of Annals, the
 * one built there.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Client } from "../client.js";
/** Maximum time until a server listens, in milliseconds. */
const START_MS_MAX = 60_000;
/**
 * A running server.
 *
 * @example
 * await using server = await TestServer.start();
 * const client = server.client();
 */
export class TestServer {
    options;
    folder;
    #process;
    /** `host:port`, the same after each restart. */
    #address = "127.0.0.1:0";
    #httpAddress = "";
    #clients = [];
    constructor(options, folder) {
        this.options = options;
        this.folder = folder;
    }
    /** Starts a server, and waits until it listens. */
    static async start(options = {}) {
        const server = new TestServer(options, await mkdtemp(join(tmpdir(), "annals-test-")));
        await server.start();
        return server;
    }
    /** The endpoint: `http://127.0.0.1:…`. */
    get endpoint() {
        return `http://${this.#address}`;
    }
    /** The endpoint for health and metrics (`/metrics`): `http://127.0.0.1:…`. It changes at each restart. */
    get httpEndpoint() {
        return `http://${this.#httpAddress}`;
    }
    /** Creates a client for this server. It is closed together with the server. */
    client(options = {}) {
        const client = new Client({ ...options, endpoints: this.endpoint });
        this.#clients.push(client);
        return client;
    }
    /** Starts the server again after `kill` or `stop`, on the same port. */
    async start() {
        const { binary = findServer(), engine = "memory", options = [] } = this.options;
        const listen = ["--listen", this.#address, "--http-listen", "127.0.0.1:0", "--log", "json"];
        const started = spawn(binary, [...listen, "--engine", engine, "--data", join(this.folder, "data"), ...options], {
            stdio: ["ignore", "ignore", "pipe"],
        });
        this.#process = started;
        ({ grpc: this.#address, http: this.#httpAddress } = await listening(started, binary));
    }
    /** Kills the process with SIGKILL, to simulate a power failure. */
    async kill() {
        await this.#end("SIGKILL");
    }
    /** Shuts the server down gracefully. */
    async stop() {
        await this.#end("SIGTERM");
    }
    /** Suspends the process, to simulate a hanging machine: its connections stay open, and it answers nothing. */
    freeze() {
        this.#process?.kill("SIGSTOP");
    }
    /** Resumes a suspended process. */
    thaw() {
        this.#process?.kill("SIGCONT");
    }
    /** Ends the process, and removes its data. */
    async [Symbol.asyncDispose]() {
        this.#clients.forEach((client) => {
            client.close();
        });
        await this.kill();
        await rm(this.folder, { recursive: true, force: true });
    }
    async #end(signal) {
        const running = this.#process;
        this.#process = undefined;
        if (running?.exitCode === null && running.signalCode === null) {
            const exited = once(running, "exit");
            running.kill(signal);
            await exited;
        }
    }
}
/** Returns the addresses of a started server, from the line of its log that reports them. */
async function listening(started, binary) {
    const said = [];
    return new Promise((resolve, reject) => {
        const failed = (what) => {
            clearTimeout(timer);
            reject(new Error(`${binary} ${what}:\n${said.join("\n")}`));
        };
        const timer = setTimeout(() => {
            started.kill("SIGKILL");
            failed(`does not listen after ${START_MS_MAX} ms`);
        }, START_MS_MAX);
        started.once("error", (error) => {
            failed(`can't be started (${error.message}); set ANNALS_SERVER to the server's binary`);
        });
        started.once("exit", (code) => {
            failed(`ended with ${String(code)}`);
        });
        if (started.stderr === null) {
            return;
        }
        createInterface({ input: started.stderr }).on("line", (line) => {
            said.push(line);
            const [grpc, http] = ["grpc", "http"].map((name) => new RegExp(`"${name}":"([^"]+)"`).exec(line)?.[1]);
            if (grpc !== undefined && http !== undefined) {
                clearTimeout(timer);
                resolve({ grpc, http });
            }
        });
    });
}
function findServer() {
    const given = process.env["ANNALS_SERVER"];
    if (given !== undefined && given !== "") {
        return given;
    }
    const onPath = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "annals-server"));
    const built = ancestors().flatMap((folder) => ["release", "debug"].map((profile) => join(folder, "target", profile, "annals-server")));
    return [...onPath, ...built].find((path) => existsSync(path)) ?? "annals-server";
}
function ancestors() {
    const folders = [dirname(fileURLToPath(import.meta.url))];
    for (let folder = folders[0] ?? "/"; folder !== dirname(folder); folder = dirname(folder)) {
        folders.push(dirname(folder));
    }
    return folders;
}
//# sourceMappingURL=server.js.map