import { Client } from "annals-client";
import { commandHandler, schema } from "annals-client/toolkit";

interface Accounts {
  Deposited: { cents: number };
  Withdrawn: { cents: number };
}

const client = new Client("http://127.0.0.1:2113");
const handle = commandHandler(client, {
  category: "account", // entity 42 is stream account-42
  schema: schema<Accounts>({ Deposited: {}, Withdrawn: {} }),
  initial: () => 0,
  evolve: (balance, event) => balance + (event.type === "Deposited" ? event.data.cents : -event.data.cents),
  decide: (command: { withdraw: number }, balance) => {
    if (command.withdraw > balance) throw new Error(`the balance is only ${balance} cents`);
    return [{ type: "Withdrawn", data: { cents: command.withdraw } }];
  },
});
const { state, position } = await handle("42", { withdraw: 500 });
