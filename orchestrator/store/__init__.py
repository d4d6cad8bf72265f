"""Files of the home folder: paths, records, histories, locks, disk space."""
