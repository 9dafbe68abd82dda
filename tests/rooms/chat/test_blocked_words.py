"""Blocked words are found through disguises, and innocent words are left alone."""

import pytest

from auth.text import clean
from rooms.chat.blocked_words import NO_WORDS, BlockedWords

WORDS = BlockedWords(["badword", "ass", "法轮", "kill yourself", "ПЛОХО", "straße", "69"])


@pytest.mark.parametrize(
    "text",
    [
        "badword",
        "a BadWord!",
        "ｂａｄｗｏｒｄ",
        "b.a.d.w.o.r.d",
        "bad-word",
        "bad\u200bword",
        "b a d w o r d",
        "b a-d  w/o r d",
        "b\u0336a\u0336d\u0336word",
        "badword123",
        "我badword你",
        "ass",
        "kiss my ass.",
        "法轮",
        "练, 法 轮",
        "法。轮",
        "kill yourself",
        "KILL-YOURSELF",
        "killyourself",
        "плохо",
        "STRASSE",
        "a 69 b",
    ],
)
def test_a_blocked_word_is_found(text: str) -> None:
    assert WORDS.found_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "class",
        "assume",
        "mass",
        "as so",
        "a ss",
        "bad words",
        "bad word",
        "法 国",
        "1690",
        "kill your self",
        "skill yourself",
    ],
)
def test_innocent_texts_are_left_alone(text: str) -> None:
    assert not WORDS.found_in(text)


def test_no_words_block_nothing() -> None:
    assert not NO_WORDS.found_in("anything")
    assert not BlockedWords(["", " ", "!!"]).found_in("anything !!")


LATIN = BlockedWords(["badword", "sex", "cop", "kill", "porn", "lol", "flag", "us", "ass"])


@pytest.mark.parametrize(
    "text",
    [
        "bádwörd",
        "b\u0336a\u0336d\u0336w\u0336o\u0336r\u0336d\u0336",
        "🅱🅰🅳🆆🅾🆁🅳",
        "🄱🄰🄳🅆🄾🅁🄳",
        "🇧\u200b🇦🇩🇼🇴🇷🇩",
        "ⓑⓐⓓⓦⓞⓡⓓ",
        "𝔟𝔞𝔡𝔴𝔬𝔯𝔡",
        "ʙᴀᴅᴡᴏʀᴅ",
        "bаdwоrd",  # a and o are Cyrillic
        "ВАDWORD",  # so are B and A
        "bαdwοrd",  # Greek
        "bɑdword",
        "łøł ok, lol",
        "b•a•d•w•o•r•d",
        "bad_word",
        "b🔥a🔥d🔥w🔥o🔥r🔥d",
        "b a d w o r d",
        "ѕех",  # Cyrillic from end to end
        "buy ѕех here",
        "kiIl",
        "p0rn",
        "k1ll",
        "cøp",
    ],
)
def test_a_word_in_disguise_is_found(text: str) -> None:
    assert LATIN.found_in(clean(text))


@pytest.mark.parametrize(
    "text",
    [
        "вынеси сор",  # rubbish, in a sentence that is Russian
        "Scunthorpe, classic, Essex",
        "101",
        "🇺🇸 hello",
        "🇺🇸",
        "🇦🇸🇸🇪",
        "10² ½",
        "sexy Middlesex",
        "the bad wording",
        "copper",
        "glass assign",
        "skill",
    ],
)
def test_what_only_looks_a_little_like_a_word_is_left_alone(text: str) -> None:
    assert not LATIN.found_in(clean(text))


@pytest.mark.parametrize(
    ("word", "found", "innocent"),
    [
        ("плохо", ["ПЛОХО", "плoхo", "ПЛOХO", "п.л.о.х.о"], ["плохой", "плохонько"]),
        ("хер", ["хер", "xep", "ХЕР"], ["Xep is my name, said she", "херес"]),
        ("法轮", ["法輪", "法·輪", "法 轮", "练法轮吗", "法\u200b轮"], ["法国车轮"]),
        ("國", ["国", "中国", "國"], ["过"]),
        ("שלום", ["שָׁלוֹם", "ש.ל.ו.ם"], ["שלומי"]),
        ("كلمة", ["كَلِمَة", "كلـــمة", "کلمة"], ["كلمات"]),
        ("हरामी", ["ह़रामी", "ह\u200dरामी", "ह.रा.मी"], ["हरम", "हरामीपन"]),
        ("ห่า", ["ห่า", "ไอห่า", "ห\u0e48\u0e48า"], ["หา", "หาเพื่อน", "ห้า"]),
        ("ばか", ["ばか", "ばかだ", "は\u3099か"], ["はか", "ばが"]),
        ("lồn", ["lồn", "LỒN", "lồn\u0336"], ["lon bia", "lớn", "lợn"]),
        ("đụ", ["đụ", "ĐỤ"], ["du"]),
        ("σκατά", ["σκατα", "ΣΚΑΤΑ", "σκατά"], ["σκατάκι"]),
        ("straße", ["STRASSE", "strasse", "Straße"], ["Straßen"]),
        ("69", ["a 69 b", "６９", "⑥⑨"], ["1690", "6 900"]),
    ],
)
def test_each_script_by_its_own_marks(word: str, found: list[str], innocent: list[str]) -> None:
    words = BlockedWords([word])
    assert [text for text in found if not words.found_in(clean(text))] == []
    assert [text for text in innocent if words.found_in(clean(text))] == []


@pytest.mark.parametrize(
    ("word", "disguised", "innocent"),
    [
        ("hell", ["h'e'l'l", "h-ell", "h e l l", "hell's", "h.e.l.l"], ["he'll", "he\u2019ll come", "he`ll", "he´ll"]),
        ("ill", ["i.l.l"], ["I'll sing", "I\u2019ll"]),
        ("he'll", ["he'll", "he’ll", "HE’LL"], ["hell"]),
        ("shed", ["s h e d"], ["she'd", "She\u2019d go"]),
        ("id", ["i.d"], ["I'd love it"]),
        ("fuck", ["f.u.c.k", "f u c k", "f*uck", "fu-ck", "f'u'c'k"], ["fu ck"]),
        (
            "操你",
            ["操*你", "操 你", "操你", "我操*你", "操，你", "操.你!", "啊 操 你"],
            ["体操，你好", "体操 你好", "体操。你", "体操~你好"],
        ),
        ("微信", ["微信", "微_信", "加我微·信号"], ["稍微，信我", "稍微、信", "稍微！信我", "稍微...信我"]),
        ("法轮", ["法 轮", "法*轮吗"], ["方法 轮流", "方法；轮流", "方法/轮流", "方法😀轮流"]),
        ("法轮功", ["法 轮 功", "练法，轮，功吗", "法*轮功"], ["方法轮，功夫", "方法 轮功"]),
        ("바보", ["바 보", "바보다", "바*보"], ["나는 바, 보다", "바다 보다", "나는 바 보다"]),
        ("64", ["64", "on 64!", "六四64"], ["6.4", "6:4", "6-4", "6/4", "6,4", "6 4", "it took 3.64 s", "1,642"]),
        ("89", ["89", "(89)"], ["8.9", "7 8 9 10", "8+9"]),
        ("18", ["18+", "18!", "18."], ["18.50", "at 18:30", "1:18"]),
        ("8964", ["8 9 6 4", "8*9*6*4"], ["8.9.6.4", "89-64", "10 9 8 9 6 4 3", "8 964"]),
    ],
)
def test_what_people_write_between_letters_without_a_thought_is_no_disguise(
    word: str, disguised: list[str], innocent: list[str]
) -> None:
    words = BlockedWords([word])
    assert [text for text in disguised if not words.found_in(clean(text))] == []
    assert [text for text in innocent if words.found_in(clean(text))] == []


def test_a_long_list_costs_no_more_than_a_short_one_per_text() -> None:
    many = BlockedWords(f"word{number}x" for number in range(20_000))
    assert many.found_in("so word19999x it is")
    assert not many.found_in("word19999 " * 10)
    assert len(many) == 20_000
