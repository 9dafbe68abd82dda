"""A link is what a reader could follow, in whatever disguise; a full stop before the next sentence is none."""

import pytest

from auth.text import clean
from rooms.links import has_link


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/x",
        "see www.evil",
        "evil.com",
        "EVIL．ＣＯＭ",
        "Evil.Com visit",
        "evil。com",
        "evil｡com",
        "evil . com",
        "evil[.]com",
        "evil (dot) com",
        "evil [dot] store now",
        "evil{.}net",
        "example dot com",
        "write to me at example DOT org please",
        "t.me/abc",
        "x.abcde/path",
        "10.0.0.1:8000",
        "at 10.0.0.1.",
        "me@evil.org",
        "tel://1",
        "example.store",
        "example.ai",
        "go to example.museum today",
        "example.рф",
        "пример.рф",
        "例子.中国",
        "我的网站.com",
        "加群 shop.example.top 有惊喜",
        "xn--e1afmkfd.xn--p1ai",
        "example.xn--p1ai",
        "[2001:db8::1]",
        "http://[::1]:80/",
        "[fe80::1%eth0]",
        "[::ffff:10.0.0.1]",
        "exámple.cóm",
        "example.соm",  # c and o are Cyrillic
        "example.🅲🅾🅼",
        "e\u200bvil.c\u200bom",
        "evil.com/谢谢",
        "谢谢evil.com谢谢大家".replace("谢谢大家", " 谢谢大家"),
        "1.evil.shop:443",
        "EXAMPLE.STORE",
        "看example.com哦",
    ],
)
def test_a_link_is_seen_through_its_disguise(text: str) -> None:
    assert has_link(clean(text))


@pytest.mark.parametrize(
    "text",
    [
        "I went home. Me too",
        "3.5 stars",
        "well...okay",
        "wow…live",
        "12:30",
        "1/2",
        "走吧。我也是",
        "谢谢大家。VIP 票值了",
        "谢谢大家.VIP 票值了",
        "谢谢大家。VIP",
        "用iPhone。Me too",
        "VIP。Top 票",
        "我爱你。中国",
        "v1.2.3",
        "v1.2.3.4",
        "V 1.2.3.4",
        "version 1.2.3.4 is out",
        "版本1.2.3.4",
        "1.2.3.4.5",
        "300.1.1.1",
        "the dot is red",
        "connect the dot to me",
        "Great show.So good",
        "e.g. this, i.e. that, p.m. or a.m.",
        "[::] [1:2] [12:30]",
        "10² m",
        "doors at 9.pm",
        "ok . so be it",
        "St.John and Dr.Dre",
        "(´・ω・`)",
        "...",
        "Mr.Kim, Dr.No",
        "用iPhone。me也",
        "谢谢.vip票值了",
        "😀.😀",
        "ようこそ。さあ",
        "안녕.반가워",
    ],
)
def test_ordinary_punctuation_is_no_link(text: str) -> None:
    assert not has_link(clean(text))


def test_a_long_hostile_text_is_judged_in_no_time() -> None:
    for unit in ("a.", "a. ", "[a.b", "[::", "1.1.", "a dot ", "。a", "xn--", "-" * 10 + "a"):
        assert has_link(clean(unit * 1200)) in {True, False}
