from jaxrlvr.learner import OptimizerConfig
from jaxrlvr.sft import SFTConfig, Stage
from models import ModelConfig

SC = ("jira_create_issue", "jira_transition_ticket", "confluence_create_page")


def config():
    able = Stage("able", 1200, OptimizerConfig(learning_rate=2e-3, warmup_steps=50, decay_steps=1200), SC)
    return SFTConfig((able,), out="/root/seed1", shape=ModelConfig(1024, 192, 4, 6, 2, 32, 384))
