/**
 * Creates a projection of typed events. It handles the types that have a handler, in their latest version.
 *
 * @example
 * const list = projection<Orders, PgClient>({
 *   name: "order_list",
 *   schema: orders,
 *   tables: ["order_list"],
 *   setup: ({ tx, table }) => tx.query(`CREATE TABLE ${table("order_list")} (id text PRIMARY KEY, customer text)`),
 *   handlers: {
 *     OrderPlaced: ({ customer }, event, { tx, table }) =>
 *       tx.query(`INSERT INTO ${table("order_list")} VALUES ($1, $2)`, [event.stream, customer]),
 *   },
 * });
 */
export function projection(options) {
    const { schema, handlers, streamPrefixes = [], ...rest } = options;
    const byType = new Map(Object.entries(handlers));
    return {
        ...rest,
        query: { types: schema.namesOf(byType.keys()), streamPrefixes },
        handle: (event, target) => {
            const domain = schema.decode(event);
            const handler = domain === undefined ? undefined : byType.get(domain.type);
            return handler?.(domain?.data, Object.assign(event, { domain }), target);
        },
    };
}
//# sourceMappingURL=definition.js.map