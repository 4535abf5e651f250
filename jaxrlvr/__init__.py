"""The learner: rollouts, GRPO, checkpoints and the commands. Start reading at train.py."""
