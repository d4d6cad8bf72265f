"""A sweep file (YAML) -> a `Sweep` with all its trials, or every mistake in it at once."""
