"""Where projections keep their read models: `memory`, `sqlite`, `postgres`; and the contract for others, `base`."""
