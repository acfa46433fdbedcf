/**
 * The endpoints of a client and their channels.
 *
 * 1. No connection is opened before the first call; a channel with a broken connection reconnects at its next call.
 * 2. All calls go to one endpoint until a call fails in a way that another endpoint could serve. Then all calls fail
 *    over to the next. A late failure of an endpoint that was already left has no effect.
 * 3. The first endpoint is preferred (preferred-endpoint.ts): while the client uses another, it probes the first, and
 *    returns when that answers. Calls in progress finish where they are. Subscriptions move at their next message,
 *    pipelines when everything they have sent is answered.
 * 4. A server that sends nothing while calls are open, not even the reply to a ping, counts as dead: its calls fail
 *    over.
 *
 * Calls are not balanced over the endpoints: appends to one log are serialised anyway, one connection keeps group
 * commits together, and a client sees its own appends wherever it reads.
 */
import { create } from "@bufbuild/protobuf";
import { Client as GrpcClient, credentials } from "@grpc/grpc-js";
import { METHODS, unary } from "./call.js";
import { ClosedError } from "./errors.js";
import { PreferredEndpoint } from "./preferred-endpoint.js";
import { pem } from "./options.js";
import { VERSION } from "./version.js";
/** Maximum size of a response. Servers send a few MiB at most; a single event can be configured larger than 1 MiB. */
const MESSAGE_BYTES_MAX = 64 * 1_024 * 1_024;
/** Large enough that the throughput of a read is limited by the server rather than by round trips. */
const WINDOW_BYTES = 4 * 1_024 * 1_024;
/** The fraction of the keepalive timeout after which a ping is sent; the rest is for its reply. */
const SILENCE_BEFORE_PING = 0.4;
/** The connection of a client, to one of its endpoints at a time. */
export class Connection {
    #endpoints;
    #settings;
    #stubs = new Map();
    #calls = new Set();
    #preferred;
    #current = 0;
    #closed = false;
    constructor(settings) {
        this.#settings = settings;
        this.#endpoints = settings.endpoints;
        this.#preferred = new PreferredEndpoint(settings.returnAfterMs, {
            probe: () => this.#probe(),
            goBack: () => {
                this.#current = 0;
            },
            now: () => performance.now(),
            random: Math.random,
        });
    }
    /** The number of endpoints. */
    get length() {
        return this.#endpoints.length;
    }
    /** The number of times the client has returned to its first endpoint. */
    get returns() {
        return this.#preferred.returns;
    }
    /** Returns the endpoint to call now. Throws a ClosedError after close. */
    pick() {
        this.probePreferred();
        return this.#at(this.#current);
    }
    /** Whether calls currently go to this endpoint. */
    isCurrent({ index }) {
        return index === this.#current;
    }
    /** Probes the first endpoint, if the client uses another and a probe is due. */
    probePreferred() {
        if (this.#current !== 0 && !this.#closed) {
            this.#preferred.beforeCall();
        }
    }
    #at(index) {
        const endpoint = this.#endpoints[index];
        if (this.#closed || endpoint === undefined) {
            throw new ClosedError("the client was closed");
        }
        let stub = this.#stubs.get(index);
        if (stub === undefined) {
            stub = connect(endpoint, this.#settings);
            this.#stubs.set(index, stub);
        }
        return { index, name: endpoint.name, address: endpoint.address, stub, hold: this.#hold };
    }
    /** Fails over from an endpoint to the next, unless that has already happened. */
    failOver(failed) {
        if (this.#current === failed.index) {
            if (failed.index === 0) {
                this.#preferred.failed();
            }
            this.#current = (failed.index + 1) % this.#endpoints.length;
        }
    }
    /** Resolves if the first endpoint answers. */
    #probe() {
        const afterMs = this.#settings.keepaliveTimeoutMs;
        const deadline = { afterMs, at: Date.now() + afterMs, signal: undefined };
        return unary(this.#at(0), METHODS.getServerInfo, create(METHODS.getServerInfo.input), deadline);
    }
    /** Ends all calls and closes the channels. */
    close() {
        this.#closed = true;
        this.#calls.forEach((call) => {
            call.cancel();
        });
        for (const stub of this.#stubs.values()) {
            stub.close();
        }
        this.#stubs.clear();
    }
    #hold = (call) => {
        this.#calls.add(call);
        call.on("status", () => {
            this.#calls.delete(call);
        });
    };
}
function connect(endpoint, settings) {
    const pingAfterMs = Math.floor(settings.keepaliveTimeoutMs * SILENCE_BEFORE_PING);
    const options = {
        "grpc.primary_user_agent": `annals-client-typescript/${VERSION}`,
        "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
        "grpc.max_send_message_length": -1,
        "grpc-node.flow_control_window": WINDOW_BYTES,
        "grpc.keepalive_time_ms": pingAfterMs,
        "grpc.keepalive_timeout_ms": settings.keepaliveTimeoutMs - pingAfterMs,
        // The client counts and spreads the retries, not the transport.
        "grpc.enable_retries": 0,
        "grpc.service_config_disable_resolution": 1,
        "grpc.initial_reconnect_backoff_ms": settings.retry.pauseFirstMs,
        "grpc.max_reconnect_backoff_ms": settings.retry.pauseMaxMs,
        // Closing a client must close its connections, and two clients must not share one.
        "grpc.use_local_subchannel_pool": 1,
        ...(settings.tls.serverName !== undefined && {
            "grpc.ssl_target_name_override": settings.tls.serverName,
            "grpc.default_authority": settings.tls.serverName,
        }),
    };
    return new GrpcClient(endpoint.address, endpoint.secure ? secured(settings.tls) : credentials.createInsecure(), options);
}
function secured(tls) {
    return credentials.createSsl(pem(tls.rootCertificates), pem(tls.privateKey), pem(tls.certificateChain));
}
//# sourceMappingURL=connection.js.map