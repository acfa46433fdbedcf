/** The HTTP interface of the inventory: commands by POST, queries by GET. */
import { type Server } from "node:http";
import type { Inventory } from "./inventory.js";
import type { Log } from "./log.js";
/** Creates an HTTP server for an inventory. It does not listen yet. */
export declare function serve(inventory: Inventory, log: Log): Server;
//# sourceMappingURL=http.d.ts.map