"""Models, losses and trainers for one GAN.

Needs torch, torchvision, numpy, pydantic and Pillow (scikit-learn for the bundled digits), and knows nothing of what
schedules or records it: `orchestrator` imports `gan_core`, never the other way round.
"""
