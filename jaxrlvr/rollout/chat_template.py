"""Between text and tokens: a task becomes a prefix, a tool's answer becomes the tokens of the turn seam.

Everything here is read off the model's own chat template, so a new model family needs no code. A conversation is never
rendered twice: what the model sampled stays the tokens it sampled, and only the text between its turns is encoded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

# Stand for a sampled turn and a tool's answer when the template is asked what surrounds them.
_TURN = "a-sampled-turn"
_ANSWER = "an-answer"


@dataclass(frozen=True)
class Chat:
    """A tokenizer with its chat template, reduced to the four things a rollout needs."""

    tokenizer: Any
    """A Hugging Face fast tokenizer with a chat template."""
    stop_token: int
    """The token that ends the model's turn (`<|im_end|>`)."""
    pad_token: int
    """Fills unused positions; never attended to."""

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
        """The prefix: system text with the tools, the request, and the opening of the model's turn."""
        return self.opening([{"role": "user", "content": request}], tools)

    def opening(self, messages: Sequence[dict], tools: Sequence[dict]) -> list[int]:
        """The prefix of a chat that begins with these messages, with the opening of the model's turn."""
        return self._encode(self._render(list(messages), tools, opened=True))

    def written(self, message: dict) -> str:
        """An assistant's message as the model would have written it: its words and calls in the template's form."""
        asked = [{"role": "user", "content": "-"}]
        opened, whole = self._render(asked, (), opened=True), self._render([*asked, message], (), opened=False)
        if not whole.startswith(opened):
            # The opening holds an empty thought that the template leaves out of the finished message.
            opened = opened[: opened.rindex("assistant\n") + len("assistant\n")]
        return whole[len(opened) :].rpartition("<|im_end|>")[0]

    def between(self, messages: Sequence[dict]) -> list[int]:
        """The tokens between a sampled `<|im_end|>` and the model's next turn, given the messages in between."""
        cleaned = [
            {**one, "content": self._without_markers(one["content"])} if one["role"] == "tool" else one
            for one in messages
        ]
        around = [{"role": "user", "content": "-"}, {"role": "assistant", "content": _TURN}, *cleaned]
        return self._encode(self._render(around, (), opened=True).split(_TURN, 1)[1].removeprefix("<|im_end|>"))

    def answer(self, answers: Sequence[str]) -> list[int]:
        """The tokens between a sampled `<|im_end|>` and the model's next turn, given the tools' answers in order."""
        return self._encode(self.seam(answers))

    def text(self, tokens: Sequence[int]) -> str:
        """A sampled turn as text: tool-call markers kept, the stop token dropped."""
        tokens = list(tokens)
        if tokens and tokens[-1] == self.stop_token:
            tokens = tokens[:-1]
        return self.tokenizer.decode(tokens, skip_special_tokens=False)

    def turn(self, text: str) -> list[int]:
        """A demonstrated turn as the tokens a model would sample: its text and the stop token."""
        return [*self._encode(text), self.stop_token]

    def seam(self, answers: Sequence[str]) -> str:
        """The text of `answer`. The stop token was sampled; the template's line break after it was not, so it starts
        the seam.
        """
        pieces = self._seam_pieces(len(answers))
        filled = (self._without_markers(answer) + piece for answer, piece in zip(answers, pieces[1:], strict=True))
        return pieces[0] + "".join(filled)

    @cache  # noqa: B019  # one entry per number of answers in a turn; the template is slow
    def _seam_pieces(self, count: int) -> list[str]:
        messages = [{"role": "user", "content": "-"}, {"role": "assistant", "content": _TURN}]
        messages += [{"role": "tool", "content": _ANSWER}] * count
        seam = self._render(messages, (), opened=True).split(_TURN, 1)[1].removeprefix("<|im_end|>")
        return seam.split(_ANSWER)

    def _without_markers(self, answer: str) -> str:
        # Data of the API must not be able to open or close turns; an escaped "<" is the same JSON string.
        for marker in self.tokenizer.get_added_vocab():
            answer = answer.replace(marker, "\\u003c" + marker.removeprefix("<"))
        return answer

    def _render(self, messages: list[dict], tools: Sequence[dict], opened: bool) -> str:
        return self.tokenizer.apply_chat_template(
            messages, tools=list(tools) or None, tokenize=False, add_generation_prompt=opened, enable_thinking=False
        )

    def _encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False)
