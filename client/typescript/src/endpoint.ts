/**
 * Endpoints as they are given: `http://host:port`, or less of it.
 *
 * The scheme may be left out (then it is http), and so may the port (then it is 2113). Anything besides scheme, host and port
 * is refused instead of ignored, because it would never be sent.
 */
import { InvalidEndpointError } from "./errors.js";

/** A server's address. */
export interface Endpoint {
  /** As it was given. */
  readonly name: string;
  /** `host:port`. */
  readonly address: string;
  readonly secure: boolean;
}

/** The port of an endpoint that names none. */
const DEFAULT_PORT = "2113";

/** Reads an endpoint. Throws an InvalidEndpointError that says what is wrong with it. */
export function parseEndpoint(name: string): Endpoint {
  const refuse = (what: string): never => {
    throw new InvalidEndpointError(name, `endpoint ${JSON.stringify(name)} ${what}; write only http://host:port`);
  };
  const [, given = "http", rest = ""] = /^(?:([^:/?#]*):\/\/)?(.*)$/s.exec(name) ?? [];
  const scheme = given.toLowerCase();
  if (scheme !== "http" && scheme !== "https") refuse("has another scheme than http and https");
  const [, authority = "", beyond = ""] = /^([^/?#]*)(.*)$/s.exec(rest) ?? [];
  refuseBeyond(beyond, refuse);
  if (authority.includes("@")) refuse("has user information");
  // The colons of an IPv6 address are within brackets.
  const [, host = "", port = DEFAULT_PORT] = /^(.*?)(?::([^:\]]*))?$/s.exec(authority) ?? [];
  if (host === "") refuse("names no host");
  if (host.includes(":") && !host.startsWith("[")) refuse("has an IPv6 address without brackets");
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
    refuse("has a port that is not a number from 1 to 65535");
  if (!URL.canParse(`http://${host}:${port}`)) refuse("is not a valid address");
  return { name, address: `${host}:${Number(port)}`, secure: scheme === "https" };
}

/** Refuses what follows host and port; a lone slash says nothing. */
function refuseBeyond(beyond: string, refuse: (what: string) => never): void {
  const [first] = beyond.replace(/^\//, "");
  if (first === undefined) return;
  refuse(first === "?" ? "has a query" : first === "#" ? "has a fragment" : "has a path");
}
