/** Converts results and errors to the answers of the interoperability cases. */
import { AnnalsError, type Appended, type AppendedToMany, type PrefixRetention, type Read, type RecordedEvent, type Retention, type RetentionInfo, type StreamInfo, type SubscriptionItem } from "../../src/index.js";
import { type Fields } from "./steps.js";
export declare function base64(data: Uint8Array): string;
export declare function appended(done: Appended): Fields;
export declare function appendedToMany(done: AppendedToMany): Fields;
export declare function recorded(event: RecordedEvent): Fields;
export declare function eventsOf(read: Read): Promise<Fields>;
export declare function itemOf(item: SubscriptionItem): Fields;
export declare function retentionOf({ maxCount, maxAge, truncateBefore }: Retention): Fields;
export declare function retentionInfo({ retention, version, tombstoned }: RetentionInfo): Fields;
export declare function prefixRetention({ prefix, retention, version }: PrefixRetention): Fields;
export declare function streamInfo(stream: StreamInfo): Fields;
/** Returns the reason of an error, with its properties. */
export declare function failure(error: AnnalsError): Fields;
//# sourceMappingURL=answers.d.ts.map