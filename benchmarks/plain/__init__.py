"""Networks as people write them, of torch's own layers: the peers of ours in `one_trial.py`."""
