"""The triggers: each parses its request, calls one use case and renders the outcome."""
