import { inReaction, CommandIds } from "./context.js";
/**
 * Creates a process manager, to be run by Projections, which stores its checkpoint, retries it, and stores its dead
 * letters. Its reactions run in the context of the event: with the same correlation, user and trace, and the event as
 * the cause.
 *
 * @example
 * const shipping = processManager<Orders>({
 *   name: "shipping",
 *   schema: orders,
 *   reactions: {
 *     OrderPaid: (_, { event }) => shipments.execute(event.stream, (shipment) => begin(shipment)),
 *   },
 * });
 */
export function processManager(options) {
    const { name, schema, reactions, streamPrefixes = [] } = options;
    const byType = new Map(Object.entries(reactions));
    return {
        name,
        effects: true,
        query: { types: schema.namesOf(byType.keys()), streamPrefixes },
        handle: async (event) => {
            const domain = schema.decode(event);
            if (domain === undefined) {
                return;
            }
            const react = byType.get(domain.type);
            const commandIds = new CommandIds(name, event.id);
            const idempotencyKey = (what) => commandIds.idOf(what);
            await inReaction(event, commandIds, () => react?.(domain.data, { event, domain, idempotencyKey }));
        },
    };
}
//# sourceMappingURL=process.js.map