import { Timestamp } from "annals-client";
import { type Status } from "./order.js";
export declare const USAGE: string;
/** A subcommand with its arguments. */
export type Task = {
    readonly verb: "create";
    readonly id: string;
    readonly customer: string;
} | {
    readonly verb: "add-item";
    readonly id: string;
    readonly sku: string;
    readonly quantity: number;
    readonly unitPriceCents: number;
} | {
    readonly verb: "confirm" | "deliver";
    readonly id: string;
} | {
    readonly verb: "ship";
    readonly id: string;
    readonly carrier: string;
    readonly tracking: string;
} | {
    readonly verb: "cancel";
    readonly id: string;
    readonly reason: string;
} | {
    readonly verb: "show" | "history";
    readonly id: string;
    readonly asOf: Timestamp | undefined;
} | {
    readonly verb: "list";
    readonly status: Status | undefined;
} | {
    readonly verb: "demo";
};
/** A parsed command line. */
export interface Asked {
    readonly task: Task;
    readonly endpoint: string;
    /** The file of the list; undefined if none was given. */
    readonly database: string | undefined;
}
/** The arguments are invalid. */
export declare class UsageError extends Error {
}
/** Parses the arguments. Options that are not given come from the environment. */
export declare function parse(args: string[], environment: NodeJS.ProcessEnv): Asked;
//# sourceMappingURL=commandline.d.ts.map