"""Prompts to sampled turns, compiled: prefixes encoded once per group, all members decoded, tool answers appended."""
