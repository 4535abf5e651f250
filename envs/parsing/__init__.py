"""Model text to tool calls: `calls` picks the format, and each format has a file (Hermes JSON, Qwen XML, untagged)."""
