/**
 * The endpoints of a client and their channels.
 *
 * 1. Nothing is connected before the first call; a channel whose connection broke connects again at its next call.
 * 2. All calls go to one endpoint until it fails one of them in a way that another could serve; then all move on to the
 *    next. A call that fails late does not move on from an endpoint that others have already left.
 * 3. The first endpoint is the client's home (preferred-endpoint.ts): away from it, the client looks whether it answers again, and goes
 *    back. What is under way ends where it is; subscriptions follow at their next message, sessions when all that was sent
 *    is answered.
 * 4. A server that says nothing while calls are open, not even to a ping, is taken for dead: its calls fail, and move on.
 *
 * Why one endpoint at a time and no balancing of single calls: appends of one log are serialised anyway, one connection
 * keeps group commits together, and a client sees its own appends wherever it reads.
 */
import { create } from "@bufbuild/protobuf";
import { type ChannelOptions, Client as GrpcClient, credentials } from "@grpc/grpc-js";

import { METHODS, unary } from "./call.js";
import type { Endpoint } from "./endpoint.js";
import { ClosedError } from "./errors.js";
import { PreferredEndpoint } from "./preferred-endpoint.js";
import { pem, type Settings, type TlsOptions } from "./options.js";
import { VERSION } from "./version.js";

/** The largest answer taken. Servers send a few MiB at most; a single event may be configured larger than 1 MiB. */
const MESSAGE_BYTES_MAX = 64 * 1_024 * 1_024;
/** Large enough that a read is bounded by the server rather than by round trips. */
const WINDOW_BYTES = 4 * 1_024 * 1_024;
/** The part of the silence after which a ping is sent; the rest is for its answer. */
const SILENCE_BEFORE_PING = 0.4;

/** A call that is open. */
export interface OpenCall {
  cancel(): void;
  on(event: "status", listener: () => void): unknown;
}

/** The endpoint that calls go to now. */
export interface Picked {
  readonly index: number;
  readonly name: string;
  /** Its `host:port`. */
  readonly address: string;
  readonly stub: GrpcClient;
  /** Has the call cancelled when the client is closed. */
  readonly hold: (call: OpenCall) => void;
}

/** A client's connection to one of its endpoints. */
export class Connection {
  readonly #endpoints: readonly Endpoint[];
  readonly #settings: Settings;
  readonly #stubs = new Map<number, GrpcClient>();
  readonly #calls = new Set<OpenCall>();
  readonly #preferred: PreferredEndpoint;
  #current = 0;
  #closed = false;

  constructor(settings: Settings) {
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

  /** How many endpoints there are. */
  get length(): number {
    return this.#endpoints.length;
  }

  /** How often the client has gone back to its first endpoint. */
  get returns(): number {
    return this.#preferred.returns;
  }

  /** The endpoint to call now. Throws a ClosedError after close. */
  pick(): Picked {
    this.probePreferred();
    return this.#at(this.#current);
  }

  /** Whether calls go to this endpoint now. */
  isCurrent({ index }: Picked): boolean {
    return index === this.#current;
  }

  /** Away from the first endpoint: looks whether it answers again, if it is time for it. */
  probePreferred(): void {
    if (this.#current !== 0 && !this.#closed) {
      this.#preferred.beforeCall();
    }
  }

  #at(index: number): Picked {
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

  /** Moves on from an endpoint that failed, unless that has happened already. */
  failOver(failed: Picked): void {
    if (this.#current === failed.index) {
      if (failed.index === 0) {
        this.#preferred.failed();
      }
      this.#current = (failed.index + 1) % this.#endpoints.length;
    }
  }

  /** Whether the first endpoint answers. */
  #probe(): Promise<unknown> {
    const afterMs = this.#settings.keepaliveTimeoutMs;
    const deadline = { afterMs, at: Date.now() + afterMs, signal: undefined };
    return unary(this.#at(0), METHODS.getServerInfo, create(METHODS.getServerInfo.input), deadline);
  }

  /** Ends all calls. */
  close(): void {
    this.#closed = true;
    this.#calls.forEach((call) => {
      call.cancel();
    });
    for (const stub of this.#stubs.values()) {
      stub.close();
    }
    this.#stubs.clear();
  }

  readonly #hold = (call: OpenCall): void => {
    this.#calls.add(call);
    call.on("status", () => {
      this.#calls.delete(call);
    });
  };
}

function connect(endpoint: Endpoint, settings: Settings): GrpcClient {
  const pingAfterMs = Math.floor(settings.keepaliveTimeoutMs * SILENCE_BEFORE_PING);
  const options: ChannelOptions = {
    "grpc.primary_user_agent": `annals-client-typescript/${VERSION}`,
    "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
    "grpc.max_send_message_length": -1,
    "grpc-node.flow_control_window": WINDOW_BYTES,
    "grpc.keepalive_time_ms": pingAfterMs,
    "grpc.keepalive_timeout_ms": settings.keepaliveTimeoutMs - pingAfterMs,
    // Tries are counted and spread here, not in the transport.
    "grpc.enable_retries": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.initial_reconnect_backoff_ms": settings.retry.pauseFirstMs,
    "grpc.max_reconnect_backoff_ms": settings.retry.pauseMaxMs,
    // So that closing a client closes its connections, and two clients have two.
    "grpc.use_local_subchannel_pool": 1,
    ...(settings.tls.serverName !== undefined && {
      "grpc.ssl_target_name_override": settings.tls.serverName,
      "grpc.default_authority": settings.tls.serverName,
    }),
  };
  return new GrpcClient(
    endpoint.address,
    endpoint.secure ? secured(settings.tls) : credentials.createInsecure(),
    options,
  );
}

function secured(tls: TlsOptions) {
  return credentials.createSsl(pem(tls.rootCertificates), pem(tls.privateKey), pem(tls.certificateChain));
}
