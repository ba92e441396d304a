"""Who comes in, and how: before anything of Parley's own is asked."""
