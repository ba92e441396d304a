"""Real tokenizers that stand for servers: they alone know how many tokens a request has."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import wordllama
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from messages import Audio, Image, Message, Text, ToolCall, ToolResult
from tests.memory.texts import LANGUAGES, pieces, prose

LLAMA_2 = Path(wordllama.__file__).parent / "tokenizers" / "l2_supercat_tokenizer_config.json"
PER_MESSAGE = 4
PER_CALL = 9
PER_REQUEST = 30
PER_PICTURE = 765


class Server:
    """Counts a request as servers do: its texts by a tokenizer, and something for the wrapping."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self._counted: dict[str, int] = {}

    def text(self, text: str) -> int:
        """Each text is counted once."""
        if text not in self._counted:
            found = self._tokenizer.encode(text, add_special_tokens=False)
            self._counted[text] = len(found.ids)
        return self._counted[text]

    def request(self, system: str, messages: Sequence[Message]) -> int:
        return PER_REQUEST + self.text(system) + sum(map(self.message, messages))

    def message(self, message: Message) -> int:
        total = PER_MESSAGE
        for part in message.parts:
            match part:
                case Text(text):
                    total += self.text(text)
                case Audio(transcript=transcript):
                    total += self.text(transcript or "")
                case ToolCall(name=name, arguments=arguments):
                    total += PER_CALL + self.text(name) + self.text(arguments)
                case ToolResult(text=text):
                    total += PER_CALL + self.text(text)
                case Image():
                    total += PER_PICTURE
        return total


@cache
def llama_2() -> Server:
    """32,000 pieces, each digit for itself, characters it does not know as their bytes."""
    return Server(Tokenizer.from_file(str(LLAMA_2)))


@cache
def byte_pairs(size: int = 6_000) -> Server:
    """Byte pairs as GPT's, digits three together, learnt from little: it is dearer than others at
    everything, and most at what is not English."""
    learnt = [*pieces("manual"), *pieces("code")]
    learnt += ["\n".join(prose(language)) for language in LANGUAGES]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(_like_gpt(), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(learnt, trainer)
    return Server(tokenizer)


def read(path: Path) -> Server:
    """Of a `tokenizer.json`."""
    return Server(Tokenizer.from_file(str(path)))


def _like_gpt() -> Regex:
    return Regex(
        r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
