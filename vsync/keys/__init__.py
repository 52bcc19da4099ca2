"""Where the vault keys are: one interface, one module a place."""
