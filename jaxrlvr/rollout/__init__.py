"""Tasks to scored groups: the policy writes turns, the simulators answer, the verdict is the reward."""
