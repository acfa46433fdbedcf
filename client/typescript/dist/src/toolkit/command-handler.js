import { Aggregate } from "./aggregate.js";
import { Repository } from "./repository.js";
/**
 * Creates a function that executes commands: it reads the entity's events, decides, and appends the events of the
 * decision with the revision that was read as the expected one. After a conflict it reads and decides again. If there
 * are no events, nothing is appended.
 *
 * It saves no snapshots; for those, use an Aggregate and a Repository.
 *
 * @throws The error that `decide` throws; RevisionConflictError after as many conflicts as the policy allows;
 *   SchemaError.
 *
 * @example
 * const handle = commandHandler(client, {
 *   category: "order",
 *   schema: orders,
 *   initial: () => "none",
 *   evolve: (state, event) => (event.type === "OrderPlaced" ? "placed" : state),
 *   decide: (command: { place: string }, state) =>
 *     state === "none" ? { type: "OrderPlaced", data: { customer: command.place } } : undefined,
 * });
 * await handle("42", { place: "ada" });
 */
export function commandHandler(client, options) {
    const { category, schema, initial, evolve, decide, conflicts } = options;
    const evolveAny = (state, _data, event) => evolve(state, event);
    const byType = Object.fromEntries(schema.names.map((type) => [type, evolveAny]));
    const aggregate = new Aggregate({ category, schema, initial, evolve: byType });
    const repository = new Repository(client, aggregate, conflicts === undefined ? {} : { conflicts });
    return (id, command, executeOptions) => repository.execute(id, (state) => decide(command, state), executeOptions);
}
//# sourceMappingURL=command-handler.js.map