"""A sweep compared with its folder: what is left to train, how long it takes, which settings are best."""
