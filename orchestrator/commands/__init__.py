"""The commands of `orchestrate`, one file each; the command line (`cli`) parses and calls them."""
