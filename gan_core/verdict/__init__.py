"""How did the training of one GAN end? From its history to a verdict."""
