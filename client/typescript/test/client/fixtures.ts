/** What several tests of the client need. */
import type { TestContext } from "node:test";

import { newEvent, type NewEvent, UnimplementedError } from "../../src/index.js";

/** `count` events, numbered from `from`, each tagged with its number. */
export function numbered(from: number, count: number, type: (n: number) => string = () => "Numbered"): NewEvent[] {
  return Array.from({ length: count }, (_, n) => newEvent(type(from + n), { n: from + n }, { tags: [`n:${from + n}`] }));
}

/** Runs the test, or skips it, if the server does not know a call of it yet. */
export async function ifImplemented(context: TestContext, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof UnimplementedError)) throw error;
    context.skip(error.message);
  }
}
