"""The command line: parses arguments and options, nothing else."""
