"""Reaching hosts that others name, without being led into our own networks."""
