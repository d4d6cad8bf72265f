"""Every setting of a trial: its default, its range, what cannot be combined, and the trial's key."""
