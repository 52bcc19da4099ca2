"""Use cases: one module a verb, rules and interfaces only."""
