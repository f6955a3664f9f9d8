"""Optimizers written out, the surfaces they are seen on, and what they cost."""
