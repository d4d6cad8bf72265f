"""The networks of every family, and their layers."""
