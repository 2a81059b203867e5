"""How fast things are, measured; never asserted in a test."""
