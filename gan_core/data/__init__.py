"""A data set's name or a path -> uint8 images in memory, and the batches that training takes of them."""
