"""The embedded offline engine: an OpenAI-compatible server without key, network or model."""
