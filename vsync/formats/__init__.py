"""The bytes vsync reads and writes: one module a format, values in and out, no I/O."""
