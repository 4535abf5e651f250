"""Recorded chats with tools -> training groups, for supervised fine-tuning without scenarios.

A file has one chat per line, as chat APIs write them: {"messages": [...], "tools": [...]}. The messages before the
assistant's first one are the prefix. Of the rest only the assistant's messages count in the loss; those of users and
tools are context. Chats with the same prefix share it, as the members of a group do.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from jaxrlvr.learning.batch import TrainingGroup, TrainingSuffix
from jaxrlvr.rollout.chat_template import Chat
from jaxrlvr.runtime.errors import UserError

ROLES = ("system", "user", "assistant", "tool")
EMPTY = TrainingSuffix(np.zeros(0, np.int32), np.zeros(0, bool), np.zeros(0, np.float32), 0.0)
"""Pads a group that has fewer members than the others."""


@dataclass(frozen=True)
class Conversation:
    """One recorded chat."""

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]


def read_chats(path: str) -> list[Conversation]:
    """Read the chats of a JSONL file. Raises UserError that names the file, the line and the error."""
    file = Path(path)
    if not file.is_file():
        raise UserError(f"no such file of chats: {path}; expected one JSON object per line, with messages and tools")
    chats = []
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    chats.append(_conversation(json.loads(line.decode("utf-8"))))
                except ValueError as error:
                    raise UserError(f"{path}, line {number}: {error}") from error
    if not chats:
        raise UserError(f"{path} contains no chats: expected one JSON object per line, with messages and tools")
    return chats


def _conversation(value: Any) -> Conversation:
    if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
        raise ValueError('expected an object with "messages", a list')
    messages = [_message(message, number) for number, message in enumerate(value["messages"])]
    roles = [message["role"] for message in messages]
    if "assistant" not in roles[1:]:
        raise ValueError("nothing to learn: no message of the assistant after the first message")
    if roles[0] == "assistant":
        raise ValueError("the first message must be the system's or the user's")
    tools = value.get("tools") or []
    if not isinstance(tools, list) or not all(map(_is_tool, tools)):
        raise ValueError('"tools" must be a list of JSON schemas of functions, each with a name')
    return Conversation(messages, tools)


def _is_tool(value: Any) -> bool:
    function = value.get("function", value) if isinstance(value, dict) else None
    return isinstance(function, dict) and isinstance(function.get("name"), str)


def _message(value: Any, number: int) -> dict[str, Any]:
    """Return a message as templates expect it: its content is text, the arguments of its calls are objects."""
    if not isinstance(value, dict) or value.get("role") not in ROLES:
        raise ValueError(f"message {number} needs one of the roles {', '.join(ROLES)}")
    content = value.get("content") or ""
    if not isinstance(content, str):
        raise ValueError(f"the content of message {number} is not text")
    message = {"role": value["role"], "content": content}
    calls = value.get("tool_calls") or []
    if calls:
        try:
            message["tool_calls"] = [_call(call.get("function", call)) for call in calls]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"message {number} has tool_calls without a name and arguments") from error
    return message


def _call(function: dict[str, Any]) -> dict[str, Any]:
    name, arguments = function["name"], function["arguments"]
    if isinstance(arguments, str):
        arguments = json.loads(arguments)
    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise TypeError("a name is text and arguments are an object")
    return {"type": "function", "function": {"name": name, "arguments": arguments}}


def training_group(chat: Chat, conversation: Conversation) -> TrainingGroup:
    """Return a chat as a group of one member."""
    messages = conversation.messages
    turns = [number for number, message in enumerate(messages) if message["role"] == "assistant"]
    tokens: list[int] = []
    sampled: list[bool] = []
    for turn, begin in enumerate(turns):
        written = chat.turn(chat.written(messages[begin]))
        # Nothing that the model writes follows the messages after the assistant's last one.
        context = chat.between(messages[begin + 1 : turns[turn + 1]]) if turn + 1 < len(turns) else []
        tokens += written + context
        sampled += [True] * len(written) + [False] * len(context)
    suffix = TrainingSuffix(np.array(tokens, np.int32), np.array(sampled), np.zeros(len(tokens), np.float32), 1.0)
    return TrainingGroup(chat.opening(messages[: turns[0]], conversation.tools), [suffix])


def share_prefixes(chats: Sequence[TrainingGroup], members: int) -> list[TrainingGroup]:
    """Merge groups of one member that have the same prefix into groups of `members`, padded with empty members."""
    by_prefix: dict[tuple[int, ...], list[TrainingSuffix]] = {}
    for group in chats:
        by_prefix.setdefault(tuple(group.prefix), []).extend(group.suffixes)
    groups = []
    for prefix, suffixes in by_prefix.items():
        for begin in range(0, len(suffixes), members):
            sharing = suffixes[begin : begin + members]
            groups.append(TrainingGroup(list(prefix), sharing + [replace(EMPTY)] * (members - len(sharing))))
    return groups
