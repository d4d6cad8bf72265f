"""Slurm: a sweep as a batch job."""
