"""Runs many GANs: a sweep file in, records, an MLflow experiment and a comparison report out."""

__version__ = "0.1.0"
