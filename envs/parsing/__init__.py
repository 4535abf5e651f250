"""Model text to tool calls, one file per format: Hermes JSON, Qwen XML and untagged JSON."""
