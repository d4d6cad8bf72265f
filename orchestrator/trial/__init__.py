"""One trial in its folder: starts or resumes, trains, saves, ends with a verdict. Knows nothing of Ray."""
