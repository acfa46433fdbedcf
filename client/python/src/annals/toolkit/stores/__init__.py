"""Read-model stores of projections: `memory`, `sqlite`, `postgres`; and the contract for others, `base`."""
