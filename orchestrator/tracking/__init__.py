"""MLflow: the client, the mirror of a sweep's folder, the logged model."""
