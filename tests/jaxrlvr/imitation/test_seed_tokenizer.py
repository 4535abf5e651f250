"""Laws of the seed's tokenizer: a value is the same tokens wherever it stands."""

import json
import random

import pytest
from transformers import AutoTokenizer

from envs import words
from jaxrlvr.imitation.seed_tokenizer import SPECIAL_TOKENS, train_tokenizer


def values(split):
    """Titles, keys, issue keys and ids as tasks have them."""
    rng = random.Random(5)
    for _ in range(60):
        yield words.phrase(rng, split, 1, 3)
        yield f"{words.key(rng, split)}-{rng.randint(10, 99)}"
        yield words.key(rng, split)
        yield str(rng.randrange(10**5, 10**6))


@pytest.mark.parametrize("split", ["train", "heldout", "synthetic"])
def test_value__splits_alike_in_request_call_and_answer(tokenizer, split):
    for value in values(split):
        alone = tokenizer.encode(value)
        for text in (
            f'Move "{value}" on.',
            json.dumps({"name": "x", "arguments": {"key": value}}),
            json.dumps({"deep": {"keys": [value]}}),
            json.dumps({"keys": [value, value]}),
            f'"{value}": 12\n',
        ):
            tokens = tokenizer.encode(text)
            starts = [n for n in range(len(tokens)) if tokens[n : n + len(alone)] == alone]
            assert len(starts) == text.count(value), (value, text, tokenizer.tokenize(text))


def test_number__of_two_digits_is_one_token(tokenizer):
    for number in range(100):
        assert len(tokenizer.encode(f"{number:02d}")) == 1


def test_role__is_one_token(tokenizer):
    assert all(len(tokenizer.encode(role)) == 1 for role in ("system", "user", "assistant"))


def test_special_token__is_one_token_of_its_own(tokenizer):
    numbers = [tokenizer.encode(f"a{marker}b") for marker in SPECIAL_TOKENS]
    assert all(len(tokens) == 3 for tokens in numbers)
    assert len({tokens[1] for tokens in numbers}) == len(SPECIAL_TOKENS)


def test_vocabulary__has_exactly_the_size_asked_for(tokenizer):
    assert len(tokenizer) == tokenizer.vocab_size == 512
    assert max(tokenizer.get_vocab().values()) == 511


def test_text__of_any_bytes_comes_back(tokenizer):
    for text in (
        "plain",
        'J\u00fcrgen \u2192 "\u6771\u4eac" \U0001f680',
        "tab\tline\n\n  indented  ",
        "AB-12: {}[]<p>x</p>",
    ):
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_vocabulary__that_texts_cannot_fill_is_refused():
    with pytest.raises(ValueError, match="of 5000: pass more texts or a smaller vocab_size"):
        train_tokenizer(["few words"], 5000)


def test_tokenizer__is_the_same_after_saving(tokenizer, model_directory):
    reloaded = AutoTokenizer.from_pretrained(model_directory)
    for value in (*values("heldout"), "<|im_start|>user\n<think>\n\n</think>"):
        assert reloaded.encode(value) == tokenizer.encode(value)
    assert reloaded.decode(tokenizer.encode("Ab ,c . d")) == "Ab ,c . d"
    assert (reloaded.eos_token, reloaded.pad_token) == ("<|im_end|>", "<|endoftext|>")
    messages = [{"role": "user", "content": "hello"}]
    assert reloaded.apply_chat_template(messages, tokenize=False) == tokenizer.apply_chat_template(
        messages, tokenize=False
    )
