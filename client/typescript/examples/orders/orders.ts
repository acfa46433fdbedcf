/** The operations of the command line and the demo: commands, past states, and the list. */
import type { Client, RecordedEvent, Time } from "annals-client";
import { SqliteStore } from "annals-client/sqlite";
import { type Decide, Projections, Repository } from "annals-client/toolkit";

import type { OrderEvents } from "./events.js";
import { type ListedOrder, listed, openList, orderList } from "./list.js";
import { demandCreated, type Order, order, type Status } from "./order.js";

/** The result of a command, with the revision and position of its last event. */
export interface Done {
  readonly orderId: string;
  readonly revision: number | undefined;
  readonly position: number | undefined;
}

/** An event in the history of an order. */
export interface Happened {
  readonly revision: number;
  readonly type: string;
  readonly recordedAt: string;
  readonly data: unknown;
}

/** Orders in a store. */
export class Orders {
  readonly #repository: Repository<Order, OrderEvents>;

  /** @param database The database file of the list, or `:memory:`. */
  constructor(
    private readonly client: Client,
    private readonly database: string,
  ) {
    this.#repository = new Repository(client, order);
  }

  /** Executes a command on an order. Fails with an OrderError if a rule forbids it. */
  async execute(orderId: string, decide: Decide<Order, OrderEvents>): Promise<Done> {
    const { revision, position } = await this.#repository.execute(orderId, decide);
    return { orderId, revision, position };
  }

  /** Returns the current state of an order, or its state at a time. */
  async show(orderId: string, asOf?: Time): Promise<Order> {
    const { state } = await this.#repository.load(orderId, pastOf(asOf));
    demandCreated(orderId, state.status);
    return state;
  }

  /** Returns the events of an order, until now or until a time. */
  async history(orderId: string, asOf?: Time): Promise<Happened[]> {
    await this.show(orderId, asOf);
    const events = await this.client.readStream(order.stream(orderId), pastOf(asOf)).toArray();
    return events.map((event) => ({
      revision: event.revision,
      type: event.type,
      recordedAt: event.recordedAt.toString(),
      data: dataOf(event),
    }));
  }

  /** Returns all orders from the read model, once that has reached the current head of the log. */
  async list(status?: Status): Promise<ListedOrder[]> {
    const { head } = await this.client.serverInfo();
    const database = openList(this.database);
    try {
      await using projections = new Projections(this.client, new SqliteStore(database), [orderList]);
      await projections.waitFor(head, { timeoutMs: 60_000 });
      return listed(database, status);
    } finally {
      database.close();
    }
  }

  /** Waits for snapshots that are being saved in the background. */
  async settled(): Promise<void> {
    await this.#repository.settled();
  }
}

function pastOf(asOf: Time | undefined): { untilTime?: Time } {
  return asOf === undefined ? {} : { untilTime: asOf };
}

function dataOf(event: RecordedEvent): unknown {
  return event.data.length === 0 ? {} : event.json();
}
