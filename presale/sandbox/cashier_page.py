"""The cashier's pages: plain HTML and CSS in Chinese and English, no script, nothing from elsewhere."""

import base64
import hashlib
from html import escape

from presale.catalogue.currencies import figure
from presale.sandbox.book import Outcome, Payment

_SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "HKD": "HK$", "JPY": "¥", "KRW": "₩"}

_STYLE = """
:root{--ink:#1d2330;--soft:#667085;--line:#e4e7ec;--page:#f4f5fa;--card:#fff;--go:#5b4bdb;--good:#12805c;--bad:#b42318;
color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--ink:#f2f4f7;--soft:#a3abba;--line:#353b49;--page:#12151c;--card:#1c212c;
--go:#6b5be8;--good:#3ccf9b;--bad:#ff8a7e}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;flex-direction:column;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI","PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
.test{background:#ffd84d;color:#3d2f00;text-align:center;font-weight:700;letter-spacing:.06em;padding:.6rem 1rem}
main{width:100%;max-width:27rem;margin:auto;padding:1.25rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:1rem;padding:1.75rem 1.5rem;
box-shadow:0 10px 30px rgb(16 24 40 / .08)}
h1{font-size:1.2rem;margin:0 0 .25rem;text-align:center}
.sub{color:var(--soft);text-align:center;margin:0 0 1rem}
.mark{width:4rem;height:4rem;border-radius:50%;margin:0 auto 1rem;display:grid;place-items:center;font-size:2rem;
color:#fff;background:var(--soft)}
.paid .mark{background:var(--good)}
.declined .mark{background:var(--bad)}
.amount{font-size:2.6rem;font-weight:700;text-align:center;margin:.5rem 0 1.25rem;font-variant-numeric:tabular-nums}
.amount small{font-size:1rem;color:var(--soft);font-weight:500}
dl{display:grid;grid-template-columns:auto 1fr;gap:.5rem 1rem;margin:0 0 1.5rem;padding:1rem 0;
border:solid var(--line);border-width:1px 0}
dt{color:var(--soft)}
dd{margin:0;text-align:right;overflow-wrap:anywhere}
form{display:grid;gap:.65rem}
button,.back{display:block;width:100%;min-height:3rem;padding:.65rem 1rem;border-radius:.75rem;font:inherit;
font-weight:600;text-align:center;text-decoration:none;cursor:pointer;border:1px solid var(--line);
background:transparent;color:var(--ink)}
.main{background:var(--go);border-color:var(--go);color:#fff}
button:hover,.back:hover{filter:brightness(1.07)}
button:focus-visible,.back:focus-visible{outline:3px solid var(--go);outline-offset:2px}
.note{color:var(--soft);font-size:.85rem;text-align:center;margin:1rem 0 0}
"""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'"
)

_SAYS = {
    Outcome.OPEN: ("", "收银台", "Cashier"),
    Outcome.PAID: ("✓", "支付成功", "Paid. Your order is being confirmed."),
    Outcome.DECLINED: ("✕", "支付被拒绝，未扣款", "Declined. Nothing was charged; you may try again."),
    Outcome.ABANDONED: ("–", "已放弃支付，未扣款", "Not paid. Nothing was charged; you may still pay."),
    Outcome.CLOSED: ("–", "订单已关闭，无法支付", "This payment is closed."),
    Outcome.EXPIRED: ("–", "支付已超时", "The time to pay is over."),
}
_CAN_TRY_AGAIN = frozenset({Outcome.DECLINED, Outcome.ABANDONED})


def format_amount(amount_minor: int, currency: str) -> str:
    """An amount as people read it, sign first."""
    return _SIGNS.get(currency, "") + figure(amount_minor, currency)


def render(payment: Payment, outcome: Outcome) -> str:
    """The whole page for a payment at this point."""
    mark, chinese, english = _SAYS[outcome]
    amount_minor = payment.paid_minor if outcome is Outcome.PAID else payment.amount_minor
    figure = format_amount(amount_minor, payment.currency)
    amount = f'<p class="amount">{figure} <small>{escape(payment.currency)}</small></p>' if amount_minor else ""
    return _page(
        title=f"{chinese} · {english}",
        kind=outcome.value,
        body=(
            (f'<div class="mark" aria-hidden="true">{mark}</div>' if mark else "")
            + f'<h1 role="status">{chinese}</h1><p class="sub" lang="en">{english}</p>'
            + amount
            + (_facts(payment) if payment.order else "")
            + (_buttons() if outcome is Outcome.OPEN else _ways_on(payment, outcome))
        ),
    )


def render_nothing_here() -> str:
    """The page of an address nobody has."""
    return _page(
        title="找不到付款 · No such payment",
        kind="closed",
        body='<h1>找不到这笔付款</h1><p class="sub" lang="en">There is no such payment.</p>',
    )


def _facts(payment: Payment) -> str:
    return (
        "<dl>"
        f"<dt>商品 Item</dt><dd><bdi>{escape(payment.description)}</bdi></dd>"
        f"<dt>订单 Order</dt><dd><bdi>{escape(payment.order)}</bdi></dd>"
        "</dl>"
    )


def _buttons() -> str:
    return (
        '<form method="post">'
        '<button class="main" name="action" value="pay">支付 · Pay</button>'
        '<button name="action" value="decline">模拟拒付 · Decline</button>'
        '<button name="action" value="abandon">放弃 · Abandon</button>'
        "</form>"
        '<p class="note">这里只有测试货币，不会产生真实扣款。<br>'
        '<span lang="en">Only test money here: nobody is charged.</span></p>'
    )


def _ways_on(payment: Payment, outcome: Outcome) -> str:
    links = []
    if outcome in _CAN_TRY_AGAIN:
        links.append('<a class="back" href="">再试一次 · Try again</a>')
    if payment.return_url is not None:
        look = "back" if outcome in _CAN_TRY_AGAIN else "back main"
        href = escape(payment.return_url, quote=True)
        links.append(f'<a class="{look}" rel="noreferrer" href="{href}">返回演出 · Back to the show</a>')
    else:
        links.append('<p class="note">可以关闭此页面。<br><span lang="en">You may close this page.</span></p>')
    return "<p></p>".join(links)


def _page(*, title: str, kind: str, body: str) -> str:
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        '<body><div class="test">TEST MONEY · 测试货币</div>'
        f'<main><div class="card {kind}">{body}</div></main></body></html>'
    )
