/** Read model of totals over all items. */
import type { SqliteDatabase } from "annals-client/sqlite";
/** Totals over all items. */
export interface Statistics {
    /** Number of registered items. */
    readonly items: number;
    readonly unitsOnHand: number;
    readonly unitsReserved: number;
    /** Units received in total. */
    readonly unitsReceived: number;
    /** Units shipped in total. */
    readonly unitsShipped: number;
}
export declare const inventoryStatistics: import("annals-client/toolkit").Projection<SqliteDatabase>;
/** Returns the current totals. */
export declare function statistics(database: SqliteDatabase): Statistics;
//# sourceMappingURL=statistics.d.ts.map