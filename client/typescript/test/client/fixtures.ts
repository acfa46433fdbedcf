/** What several tests of the client need. */
import { newEvent, type NewEvent } from "../../src/index.js";

/** `count` events, numbered from `from`, each tagged with its number. */
export function numbered(from: number, count: number, type: (n: number) => string = () => "Numbered"): NewEvent[] {
  return Array.from({ length: count }, (_, n) => newEvent(type(from + n), { n: from + n }, { tags: [`n:${from + n}`] }));
}
