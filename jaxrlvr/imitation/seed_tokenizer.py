"""The seed's tokenizer: byte-level BPE trained on demonstrations, with Qwen3's special tokens and chat markers.

In: an iterator of texts. Out: a Hugging Face fast tokenizer with a chat template. Real checkpoints have their own
tokenizer; the seed does not use it because a vocabulary of 151,936 would be most of a one-million-parameter model.

A value must split into the same tokens in every context, or a small model cannot learn to copy it. Hence the split
before BPE: a word with its leading space and first capital, a lone capital, one or two digits, or a run of anything
else (so that `": {"` can become one token) that ends before the next word.
"""

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<think>",
    "</think>",
)
SPLIT = r" ?\p{Lu}?\p{Ll}+| ?\p{L}|\p{N}{1,2}|[^\p{L}\p{N}]+?(?= ?\p{L}|\p{N}|$)"

CHAT_TEMPLATE = Path(__file__).with_name("chat_template.jinja")


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer of exactly `vocab_size` tokens, special ones included.

    Every number of one or two digits and every role name is a token, however rare in the texts.
    Raises ValueError when the texts are too few to fill the vocabulary.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    always = [*(f"{number:02d}" for number in range(100)), "system", "user", "assistant"] * 1000
    tokenizer.train_from_iterator([*texts, *always], trainer)
    if tokenizer.get_vocab_size() != vocab_size:
        raise ValueError(
            f"the texts give only {tokenizer.get_vocab_size()} tokens of {vocab_size}: "
            "pass more texts or a smaller vocab_size"
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL_TOKENS[1:]),
        chat_template=CHAT_TEMPLATE.read_text(),
        clean_up_tokenization_spaces=False,
    )
