"""Trial folders in a bucket (S3), where the nodes of a cluster share no file system."""
