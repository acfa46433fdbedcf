import type { Orders } from "./orders.js";
export declare function demo(orders: Orders, print: (line: string) => void): Promise<void>;
//# sourceMappingURL=demo.d.ts.map