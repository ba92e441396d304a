"""How the engine answers without a model: rules, each in words a person can check."""
