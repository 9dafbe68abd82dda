"""`python -m benchmarks.words`: measures what a list of blocked words costs at the start and per line."""

import random
import time
from collections.abc import Sequence
from typing import NamedTuple

from auth.situation import Switches
from rooms.chat import danmaku, wordlist
from rooms.chat.blocked_words import NO_WORDS, BlockedWords

WORDS = 100_000
LOAD_SECONDS = 1.0
"""The longest time for loading the list."""
MORE_MICROS = 5.0
"""How much longer a line may take than without a list, on average over the lines."""
LINES = (
    "what a lovely show tonight, greetings from Berlin",
    "Encore! One more song please, the one with the piano",
    "谢谢大家今天晚上的演出真的太好看了我非常喜欢",
    "今天 party 太 high 了！！！哈哈哈哈",
    "Привет всем, очень круто сегодня",
    "نص عربي جميل جدا يا اصدقاء",
    "नमस्ते हिन्दी में बहुत अच्छा",
    "bravo!!! 👏👏👏",
)
_ROUNDS = 7
_TIMES = 300
_LETTERS = "bcdfghjklmnpqrstvwxz"
_HAN = (0x5000, 0x9000)


class Cost(NamedTuple):
    """In seconds and microseconds of this process's own time."""

    load_seconds: float
    without_micros: float
    with_micros: float


def word_list(count: int) -> bytes:
    """A file of so many words that nobody says, half of them Latin and half Han; always the same."""
    chance = random.Random(7)  # noqa: S311 - a list to measure with
    words: dict[str, None] = {}
    while len(words) < count:
        latin = len(words) % 2 == 0
        size = chance.randint(5, 12) if latin else chance.randint(2, 5)
        letters = [chance.choice(_LETTERS) if latin else chr(chance.randint(*_HAN)) for _ in range(size)]
        words["".join(letters)] = None
    return "\n".join(words).encode()


def measure(count: int = WORDS, lines: Sequence[str] = LINES) -> Cost:
    """Load a list of so many words; check the lines without it and with it by turns, the best round of each."""
    data = word_list(count)
    began = time.process_time()
    blocked = BlockedWords(wordlist.parse(data).words)
    load_seconds = time.process_time() - began
    rounds = [(_micros(NO_WORDS, lines), _micros(blocked, lines)) for _ in range(_ROUNDS)]
    return Cost(load_seconds, min(without for without, _ in rounds), min(with_list for _, with_list in rounds))


def _micros(blocked: BlockedWords, lines: Sequence[str]) -> float:
    began, switches = time.process_time(), Switches()
    for _ in range(_TIMES):
        for line in lines:
            danmaku.check(line, switches, staff=False, blocked=blocked)
    return (time.process_time() - began) / (_TIMES * len(lines)) * 1e6


if __name__ == "__main__":
    cost = measure()
    more = cost.with_micros - cost.without_micros
    print(f"{WORDS:,} words load in {cost.load_seconds:.2f} s (bound {LOAD_SECONDS:g} s)")
    print(f"a line costs {cost.without_micros:.2f} µs without and {cost.with_micros:.2f} µs with the list:")
    print(f"{more:.2f} µs more (bound {MORE_MICROS:g} µs), {cost.with_micros / cost.without_micros:.2f} times as much")
