"""Prompts to sampled turns, compiled: prefill once per group, decode all members, append tool answers."""
