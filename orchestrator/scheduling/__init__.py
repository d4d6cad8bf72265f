"""Ray Tune over a plan: which trial runs where, what happens when a worker or a trial fails."""
