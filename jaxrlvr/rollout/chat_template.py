"""Chat template: a task's prompt and the text between sampled turns, as tokens.

All of it is rendered by the model's own chat template, so a new model family needs no code. A conversation is never
rendered twice: sampled tokens stay as they are, and only the text between two sampled turns (the seam) is encoded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

# Placeholders for a sampled turn and a tool answer; the template renders the text around them.
_TURN = "a-sampled-turn"
_ANSWER = "an-answer"


@dataclass(frozen=True)
class Chat:
    """A tokenizer with its chat template."""

    tokenizer: Any
    """A Hugging Face fast tokenizer with a chat template."""
    stop_token: int
    """Id of the token that ends the model's turn (`<|im_end|>`)."""
    pad_token: int
    """Id that fills unused positions, which no query attends to."""

    @classmethod
    def of(cls, tokenizer: Any) -> "Chat":
        """Wrap a tokenizer. Raises ValueError if it has no chat template or does not know `<|im_end|>`."""
        if not tokenizer.chat_template:
            raise ValueError("the model's tokenizer has no chat template: a model trained for chat is needed")
        stop = tokenizer.convert_tokens_to_ids("<|im_end|>")
        if stop is None or stop == tokenizer.unk_token_id:
            raise ValueError("the model's tokenizer has no <|im_end|> token: a Qwen chat checkpoint is needed")
        pad = tokenizer.pad_token_id
        return cls(tokenizer, stop, stop if pad is None else pad)

    def prompt(self, request: str, tools: Sequence[dict]) -> list[int]:
        """Return the prefix of a task: system text with the tools, the request, and the opening of the model's turn."""
        return self.opening([{"role": "user", "content": request}], tools)

    def opening(self, messages: Sequence[dict], tools: Sequence[dict]) -> list[int]:
        """Return the prefix of a chat that begins with these messages, with the opening of the model's turn."""
        return self._encode(self._render(list(messages), tools, opened=True))

    def written(self, message: dict) -> str:
        """Render an assistant message as the model would have written it: words and calls in the template's format."""
        request = [{"role": "user", "content": "-"}]
        opened, whole = self._render(request, (), opened=True), self._render([*request, message], (), opened=False)
        if not whole.startswith(opened):
            # The opening contains an empty thought that the template omits from the finished message.
            opened = opened[: opened.rindex("assistant\n") + len("assistant\n")]
        return whole[len(opened) :].rpartition("<|im_end|>")[0]

    def between(self, messages: Sequence[dict]) -> list[int]:
        """Return the tokens between a sampled `<|im_end|>` and the model's next turn, given the messages in between."""
        cleaned = [
            {**message, "content": self._without_markers(message["content"])} if message["role"] == "tool" else message
            for message in messages
        ]
        around = [{"role": "user", "content": "-"}, {"role": "assistant", "content": _TURN}, *cleaned]
        return self._encode(self._render(around, (), opened=True).split(_TURN, 1)[1].removeprefix("<|im_end|>"))

    def answer(self, answers: Sequence[str]) -> list[int]:
        """Return the tokens between a sampled `<|im_end|>` and the model's next turn, given the tools' answers."""
        return self._encode(self.seam(answers))

    def text(self, tokens: Sequence[int]) -> str:
        """Decode a sampled turn, with its tool-call markers and without the stop token."""
        tokens = list(tokens)
        if tokens and tokens[-1] == self.stop_token:
            tokens = tokens[:-1]
        return self.tokenizer.decode(tokens, skip_special_tokens=False)

    def turn(self, text: str) -> list[int]:
        """Encode a demonstrated turn as the tokens a model would sample: its text and the stop token."""
        return [*self._encode(text), self.stop_token]

    def seam(self, answers: Sequence[str]) -> str:
        """Return the text that `answer` encodes.

        It starts with the template's line break after the stop token, which the model does not sample.
        """
        pieces = self._seam_pieces(len(answers))
        filled = (self._without_markers(answer) + piece for answer, piece in zip(answers, pieces[1:], strict=True))
        return pieces[0] + "".join(filled)

    @cache  # noqa: B019  # one entry per number of answers in a turn; rendering is slow
    def _seam_pieces(self, count: int) -> list[str]:
        messages = [{"role": "user", "content": "-"}, {"role": "assistant", "content": _TURN}]
        messages += [{"role": "tool", "content": _ANSWER}] * count
        seam = self._render(messages, (), opened=True).split(_TURN, 1)[1].removeprefix("<|im_end|>")
        return seam.split(_ANSWER)

    def _without_markers(self, answer: str) -> str:
        # Data of the API must not open or close turns; with an escaped "<" the JSON string is the same.
        for marker in self.tokenizer.get_added_vocab():
            answer = answer.replace(marker, "\\u003c" + marker.removeprefix("<"))
        return answer

    def _render(self, messages: list[dict], tools: Sequence[dict], opened: bool) -> str:
        return self.tokenizer.apply_chat_template(
            messages, tools=list(tools) or None, tokenize=False, add_generation_prompt=opened, enable_thinking=False
        )

    def _encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False)
