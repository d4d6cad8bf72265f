"""Training of one GAN: steps, optimizers, weight averages, a state that resumes bit for bit."""
