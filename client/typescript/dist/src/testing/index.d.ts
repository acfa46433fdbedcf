/**
 * Test kit for programs that use Annals: decisions and projections without a server, and a real server per test.
 *
 * @packageDocumentation
 */
export { type ExpectedError, type Given, given, givenFacts, project, recorded, type When } from "./scenario.js";
export { TestServer, type TestServerOptions } from "./server.js";
//# sourceMappingURL=index.d.ts.map