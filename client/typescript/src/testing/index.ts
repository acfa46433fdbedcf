/**
 * For tests of programs that use Annals: decisions and projections without a server, and a server of one's own.
 *
 * @packageDocumentation
 */
export { type ExpectedError, type Given, given, givenFacts, project, recorded, type When } from "./scenario.js";
export { TestServer, type TestServerOptions } from "./server.js";
