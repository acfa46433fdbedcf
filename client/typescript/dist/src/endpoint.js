/**
 * Parses endpoints such as `http://host:port`.
 *
 * The scheme may be omitted, and so may the port, which defaults to 2113. Anything besides scheme, host and port is
 * rejected rather than ignored, because it would never be sent.
 */
import { InvalidEndpointError } from "./errors.js";
/** The port of an endpoint without one. */
const DEFAULT_PORT = "2113";
/** Parses an endpoint. Throws an InvalidEndpointError that states the problem. */
export function parseEndpoint(name) {
    const refuse = (what) => {
        throw new InvalidEndpointError(name, `endpoint ${JSON.stringify(name)} ${what}; write only http://host:port`);
    };
    const [, given = "http", rest = ""] = /^(?:([^:/?#]*):\/\/)?(.*)$/s.exec(name) ?? [];
    const scheme = given.toLowerCase();
    if (scheme !== "http" && scheme !== "https")
        refuse("has another scheme than http and https");
    const [, authority = "", beyond = ""] = /^([^/?#]*)(.*)$/s.exec(rest) ?? [];
    refuseBeyond(beyond, refuse);
    if (authority.includes("@"))
        refuse("has user information");
    // The colons of an IPv6 address are in brackets.
    const [, host = "", port = DEFAULT_PORT] = /^(.*?)(?::([^:\]]*))?$/s.exec(authority) ?? [];
    if (host === "")
        refuse("names no host");
    if (host.includes(":") && !host.startsWith("["))
        refuse("has an IPv6 address without brackets");
    if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
        refuse("has a port that is not a number from 1 to 65535");
    if (!URL.canParse(`http://${host}:${port}`))
        refuse("is not a valid address");
    return { name, address: `${host}:${Number(port)}`, secure: scheme === "https" };
}
/** Rejects anything after host and port, except for a single slash. */
function refuseBeyond(beyond, refuse) {
    const [first] = beyond.replace(/^\//, "");
    if (first === undefined)
        return;
    refuse(first === "?" ? "has a query" : first === "#" ? "has a fragment" : "has a path");
}
//# sourceMappingURL=endpoint.js.map