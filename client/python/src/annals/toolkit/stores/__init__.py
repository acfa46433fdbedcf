"""Read-model stores of projections: `memory`, `sqlite`, `postgres`, `state`; and the contract for others, `base`."""
