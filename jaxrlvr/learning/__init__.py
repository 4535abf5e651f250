"""Scored groups to updated parameters: advantages, losses, micro-batches, optimizer and the learner."""
