import type { NewEvent } from "./events.js";
import type { CallOptions } from "./options.js";
import type { AppendSession } from "./session.js";
/** The appends of a client that are in flight. */
export declare class Crowd {
    #private;
    private readonly timeoutMs;
    private readonly open;
    constructor(timeoutMs: number, open: () => AppendSession);
    /** Makes an append, alone or in the session, whichever there is need for. */
    pass<T>(events: readonly NewEvent[], options: CallOptions, alone: () => Promise<T>, together: (session: AppendSession) => Promise<T>): Promise<T>;
}
//# sourceMappingURL=crowd.d.ts.map