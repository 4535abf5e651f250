"""The learner: rollouts, GRPO, checkpoints and the commands. Start reading at train.py."""

import os

# Tokenizers and templates are all that is used of transformers; its advice to install PyTorch would only mislead.
os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
