/** What the command line and the demonstration do with orders: commands, the past, and the list. */
import type { Client, RecordedEvent, Time } from "annals-client";
import { SqliteStore } from "annals-client/sqlite";
import { type Decide, Projections, Repository } from "annals-client/toolkit";

import type { OrderEvents } from "./events.js";
import { type ListedOrder, listed, openList, orderList } from "./list.js";
import { demandCreated, type Order, order, type Status } from "./order.js";

/** Where a command's last event stands. */
export interface Done {
  readonly orderId: string;
  readonly revision: number | undefined;
  readonly position: number | undefined;
}

/** An event of an order, as its history tells it. */
export interface Happened {
  readonly revision: number;
  readonly type: string;
  readonly recordedAt: string;
  readonly data: unknown;
}

/** Orders in a store. */
export class Orders {
  readonly #repository: Repository<Order, OrderEvents>;

  /** @param database The file of the list, or `:memory:`. */
  constructor(
    private readonly client: Client,
    private readonly database: string,
  ) {
    this.#repository = new Repository(client, order);
  }

  /** Carries out a command on an order. Fails with an OrderError if a rule forbids it. */
  async execute(orderId: string, decide: Decide<Order, OrderEvents>): Promise<Done> {
    const { revision, position } = await this.#repository.execute(orderId, decide);
    return { orderId, revision, position };
  }

  /** An order as it is, or as it was at a time. */
  async show(orderId: string, asOf?: Time): Promise<Order> {
    const { state } = await this.#repository.load(orderId, pastOf(asOf));
    demandCreated(orderId, state.status);
    return state;
  }

  /** What has happened to an order, until now or until a time. */
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

  /** All orders, as the read model has them once it has seen everything that is in the log now. */
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

  /** Waits for what goes on behind the commands. */
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
