/** Options of a client, and what holds where none was given. */
import { readFileSync } from "node:fs";

import { type Duration, toMilliseconds } from "./duration.js";
import { type Endpoint, parseEndpoint } from "./endpoint.js";
import { InvalidEndpointError } from "./errors.js";

/** How TLS connections (`https://` endpoints) are secured. Each is PEM: text or bytes, or the URL of a file. */
export interface TlsOptions {
  /** The certificates of the authorities to trust. Those that Node.js trusts, unless given. */
  readonly rootCertificates?: string | Uint8Array | URL;
  /** The client's own certificate, with its chain: for servers that ask who calls. Together with privateKey. */
  readonly certificateChain?: string | Uint8Array | URL;
  /** The key of certificateChain. */
  readonly privateKey?: string | Uint8Array | URL;
  /** The name that the server's certificate must bear. The endpoint's host, unless given. */
  readonly serverName?: string;
}

/** How calls that failed for a passing reason are tried again. */
export interface RetryPolicy {
  /** Pause after the first failure of all endpoints, in milliseconds. 50 unless given. */
  readonly pauseFirstMs?: number;
  /** The longest pause, in milliseconds. 2,000 unless given. */
  readonly pauseMaxMs?: number;
  /** The most tries of a call, 1 for none again. As many as the call's deadline allows, unless given. */
  readonly triesMax?: number;
}

/** Options of a client. */
export interface ClientOptions {
  /**
   * The servers, all of the same store: `http://127.0.0.1:2113`, `https://…` with TLS. Without a scheme it is `http`, without
   * a port 2113; a path, a query and user information are refused. All calls go to one of them while it works, and when it can't be reached or can't serve, to the next, and so on round; and back
   * to the first when that answers again.
   */
  readonly endpoints: string | readonly string[];
  /**
   * Begins with the first endpoint and goes round in the order given, instead of in an order drawn at random for each
   * client. Many clients that do this all fall upon the second when the first dies.
   */
  readonly shuffleEndpoints?: boolean;
  /**
   * The deadline of every call in milliseconds, tries and pauses included; for reads, of the first answer and of the wait
   * for each further one. 10,000 unless given. Every call takes a `timeoutMs` of its own.
   */
  readonly timeoutMs?: number;
  /**
   * How long a server may say nothing at all, not even to a ping, while calls to it are open, before it counts as dead, in
   * milliseconds. 5,000 unless given, 100 or more. A call that merely takes long is not silent.
   */
  readonly keepaliveTimeout?: Duration;
  /**
   * How long after it has left its first endpoint a client looks whether that answers again, to go back to it, in
   * milliseconds on average; then again after as long, and less often, if it does not last. 10,000 unless given; 0: never.
   */
  readonly returnAfterMs?: number;
  /** How calls that failed for a passing reason are tried again. */
  readonly retry?: RetryPolicy;
  /** For `https://` endpoints. */
  readonly tls?: TlsOptions;
}

/** What every call takes. */
export interface CallOptions {
  /** The call's deadline in milliseconds, tries and pauses included. The client's `timeoutMs` unless given. */
  readonly timeoutMs?: number;
  /** Ends the call when it is aborted; what the call returns then fails with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Options with nothing left open. */
export interface Settings {
  readonly endpoints: readonly Endpoint[];
  readonly timeoutMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly returnAfterMs: number;
  readonly retry: Required<RetryPolicy>;
  readonly tls: TlsOptions;
}

/** A shorter silence would take a server that is busy for one that is dead. */
const KEEPALIVE_TIMEOUT_MS_MIN = 100;

/** Fills in what was not given. Throws an InvalidEndpointError. */
export function resolveOptions(given: string | readonly string[] | ClientOptions): Settings {
  const options: ClientOptions = isOptions(given) ? given : { endpoints: given };
  const names = typeof options.endpoints === "string" ? [options.endpoints] : [...options.endpoints];
  if (names.length === 0) {
    throw new InvalidEndpointError("", 'endpoint "" is missing; name at least one');
  }
  const endpoints = names.map(parseEndpoint);
  if (options.shuffleEndpoints ?? true) {
    shuffle(endpoints);
  }
  return {
    endpoints,
    timeoutMs: options.timeoutMs ?? 10_000,
    returnAfterMs: options.returnAfterMs ?? 10_000,
    keepaliveTimeoutMs: Math.max(
      toMilliseconds(options.keepaliveTimeout ?? { seconds: 5 }, "keepaliveTimeout"),
      KEEPALIVE_TIMEOUT_MS_MIN,
    ),
    retry: {
      pauseFirstMs: options.retry?.pauseFirstMs ?? 50,
      pauseMaxMs: options.retry?.pauseMaxMs ?? 2_000,
      triesMax: options.retry?.triesMax ?? Number.POSITIVE_INFINITY,
    },
    tls: options.tls ?? {},
  };
}

/** PEM as bytes. */
export function pem(given: string | Uint8Array | URL | undefined): Buffer | null {
  if (given === undefined) {
    return null;
  }
  return given instanceof URL ? readFileSync(given) : Buffer.from(given);
}

function isOptions(given: string | readonly string[] | ClientOptions): given is ClientOptions {
  return typeof given === "object" && "endpoints" in given;
}

function shuffle(list: unknown[]): void {
  for (let last = list.length - 1; last > 0; last -= 1) {
    const drawn = Math.floor(Math.random() * (last + 1));
    [list[last], list[drawn]] = [list[drawn], list[last]];
  }
}
