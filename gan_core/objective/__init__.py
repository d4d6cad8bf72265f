"""The equations of GAN training: losses, gradient penalties, stabilizers, what the discriminator sees."""
