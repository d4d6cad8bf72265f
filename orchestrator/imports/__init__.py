"""Runs that this tool did not train: read from other tools' logs, mapped by names, written as a sweep of the home."""
