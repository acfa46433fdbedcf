/** For tests of programs that use Annals. */
export { TestServer, type TestServerOptions } from "./server.js";
