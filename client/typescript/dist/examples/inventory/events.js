/** The events of an item in stock. */
import { schema } from "annals-client/toolkit";
export const inventoryEvents = schema({
    ItemRegistered: {},
    StockReceived: {},
    StockReserved: {},
    StockReleased: {},
    StockShipped: {},
});
/** The streams that the projections follow: `inventory-<sku>`. */
export const STREAM_PREFIXES = ["inventory-"];
//# sourceMappingURL=events.js.map