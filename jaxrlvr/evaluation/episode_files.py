"""Episode files: one line of JSON per member, which `envs.rescore` scores again without the model."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jaxrlvr.rollout.chat_template import Chat
from jaxrlvr.rollout.trajectory import Group


def episode_lines(groups: Iterable[Group], chat: Chat, labels: Mapping[str, Any]) -> Iterable[str]:
    """Yield a line per member: `labels`, its text as the model wrote it, its episode, and its verdict."""
    for group in groups:
        for number, member in enumerate(group.members):
            record = {
                **labels,
                "member": number,
                "stop": member.stop,
                "text": chat.tokenizer.decode(member.tokens, skip_special_tokens=False),
                "episode": member.episode.to_dict(),
                "verdict": member.verdict.to_dict() if member.verdict else None,
            }
            if member.version is not None:
                record["policy_version"] = member.version
            yield json.dumps(record, ensure_ascii=False) + "\n"


def write_episodes(path: Path, groups: Iterable[Group], chat: Chat, labels: Mapping[str, Any]) -> None:
    """Append the groups' episodes to a JSONL file, each line with `labels` (step, way of sampling)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(episode_lines(groups, chat, labels))
