/**
 * Test kit for programs that use Annals: decisions and projections without a server, and a real server per test.
 *
 * @packageDocumentation
 */
export { given, givenFacts, project, recorded } from "./scenario.js";
export { TestServer } from "./server.js";
//# sourceMappingURL=index.js.map