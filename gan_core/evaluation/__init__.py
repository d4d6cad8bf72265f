"""Metrics of generated images: features -> statistics -> metric, one subject a file."""
