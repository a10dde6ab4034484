"""How good answers are: checks that need no model, and the pure part of a judge."""
