"""Where bundles live: one interface, one module an implementation."""
