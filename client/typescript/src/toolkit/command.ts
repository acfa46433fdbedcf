/**
 * The identity of a command, by which it is carried out once, however often it is given: the ids of its events are made of
 * it, and they bear the tag `command:<id>`. The same in every language's toolkit.
 */
import type { RecordedEvent } from "../events.js";
import { isId, nameId } from "../uuid.js";
import { inContextOfCommand, nextCommandId } from "./context.js";
import type { EncodeOptions } from "./schema.js";

/** A command, which has an identity or none. */
export class Command {
  /** Its identity, a UUID in lower case. */
  readonly id: string | undefined;
  /** The tag of its events. */
  readonly tag: string | undefined;

  /** @param stream What it is for, or `""`: in a process manager, a command that was given no id has one all the same. */
  constructor(given: string | undefined, stream: string) {
    this.id = (given ?? nextCommandId(stream))?.toLowerCase();
    if (this.id !== undefined && !isId(this.id)) {
      throw new RangeError(`the command's id ${JSON.stringify(given)} must be a UUID, such as newId() makes`);
    }
    this.tag = this.id === undefined ? undefined : `command:${this.id}`;
  }

  /** What the nth of its events, counted from 0, bears because of it. */
  encoding(nth: number): EncodeOptions {
    return this.id === undefined || this.tag === undefined
      ? {}
      : { id: nameId(this.id, String(nth)), tags: [this.tag] };
  }

  /** Whether it has led to this event. */
  ledTo(event: RecordedEvent): boolean {
    return this.tag !== undefined && event.tags.includes(this.tag);
  }

  /** Runs the body in its context. */
  run<T>(body: () => T): T {
    return inContextOfCommand(this.id, body);
  }
}
