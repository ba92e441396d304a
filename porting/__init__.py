"""Conversations as files: taken along, and brought in from here and elsewhere. No file is trusted."""
