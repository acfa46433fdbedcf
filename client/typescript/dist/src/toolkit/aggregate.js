/**
 * A kind of entity whose state is built from its events.
 *
 * @example
 * const order = new Aggregate({
 *   category: "order",
 *   schema: orders,
 *   initial: () => ({ status: "none" }),
 *   evolve: {
 *     OrderPlaced: (state, { customer }) => ({ ...state, status: "placed", customer }),
 *     OrderShipped: (state) => ({ ...state, status: "shipped" }),
 *   },
 *   snapshot: { version: 1 },
 * });
 */
export class Aggregate {
    /** The prefix of its stream names. */
    category;
    schema;
    /** How snapshots are saved, if they are. */
    snapshot;
    #initial;
    #evolve;
    constructor(options) {
        this.category = options.category;
        this.schema = options.schema;
        this.snapshot = options.snapshot;
        this.#initial = options.initial;
        this.#evolve = new Map(Object.entries(options.evolve));
    }
    /** Returns the stream of the entity with this id. */
    stream(id) {
        return `${this.category}-${id}`;
    }
    /** Returns the state before the first event. */
    initial() {
        return this.#initial();
    }
    /** Returns the state after one more event. */
    evolve(state, event) {
        const evolve = this.#evolve.get(event.type);
        return evolve === undefined ? state : evolve(state, event.data, event);
    }
}
/** Returns the events of a decision as a list. */
export function listOf(decided) {
    if (decided === undefined) {
        return [];
    }
    return "type" in decided ? [decided] : decided;
}
//# sourceMappingURL=aggregate.js.map