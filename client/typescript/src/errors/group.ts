/** Errors of consumer groups. */
import { AnnalsError } from "./base.js";

/** There is no consumer group of this name, or it was deleted. Create it. */
export class GroupNotFoundError extends AnnalsError {
  constructor(readonly group: string) {
    super(`group ${JSON.stringify(group)} does not exist; create it`);
  }
}

/** A consumer group of this name exists with other settings. Update it, or use another name. */
export class GroupExistsError extends AnnalsError {
  constructor(readonly group: string) {
    super(`group ${JSON.stringify(group)} exists with other settings; update it, or use another name`);
  }
}

/** The server that leads the group does not answer, or has lost the lead. Already retried; try again later. */
export class GroupUnavailableError extends AnnalsError {
  override readonly retryable = true;
  constructor(readonly group: string) {
    super(`group ${JSON.stringify(group)} has no leader at the moment; retry later`);
  }
}

/** The consumer settled a delivery that it never got on this call. The client sends only ids that it got: report it. */
export class UnknownDeliveryError extends AnnalsError {}

/** Another consumer with the same name has opened in the group. Give each consumer its own name. */
export class ConsumerReplacedError extends AnnalsError {
  constructor(readonly consumer: string) {
    super(`another consumer with the name ${JSON.stringify(consumer)} has opened; give each consumer its own name`);
  }
}
