/** Read model of the items that are low on stock, and since when. */
import type { SqliteDatabase } from "annals-client/sqlite";
/** An item with less available stock than its threshold. */
export interface Alert {
    readonly sku: string;
    readonly name: string;
    readonly available: number;
    readonly lowStockThreshold: number;
    /** The time at which the event that made it low was recorded. */
    readonly since: string;
}
export declare const inventoryAlerts: import("annals-client/toolkit").Projection<SqliteDatabase>;
/** Returns the items that are low, by sku. */
export declare function alerts(database: SqliteDatabase): Alert[];
//# sourceMappingURL=alerts.d.ts.map