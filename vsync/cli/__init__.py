"""Words to calls: one module a verb; none of them does the work itself."""
