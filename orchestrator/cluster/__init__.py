"""Ray itself: a local or an existing cluster, its nodes and its workers."""
