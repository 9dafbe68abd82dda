import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from auth.denials import Code, Denied
from presale.payments.payments import (
    Closed,
    Created,
    Other,
    Paid,
    PaymentPaid,
    PaymentRequest,
    RefundSettled,
    RefundState,
    RefundStatus,
    Unavailable,
)
from presale.payments.payments_sandbox import SandboxPayments
from presale.payments.webhook_signature import Secret, sign
from tests.contracts.payments_suite import PaymentProviderContract, PaymentWorld, Received
from tests.presale.sandbox_process import (
    SECRET,
    CallbackEndpoint,
    SandboxProcess,
    new_id,
    now_ms,
    running_sandbox,
    script_faults,
)

HTML = {"accept": "text/html,application/json;q=0.9"}
JSON = {"accept": "application/json"}


class SandboxWorld:
    """A fan, a provider process and an endpoint."""

    def __init__(self, url: str, endpoint: CallbackEndpoint) -> None:
        self.url = url
        self.endpoint = endpoint
        self.provider = SandboxPayments(url, [SECRET], clock=now_ms, new_id=new_id)
        self.unreachable = SandboxPayments("http://127.0.0.1:1", [SECRET], clock=now_ms, new_id=new_id)
        self.browser = httpx2.AsyncClient(trust_env=False)

    def now_ms(self) -> int:
        return now_ms()

    def new_id(self) -> str:
        return new_id()

    async def press(self, created: Created, action: str, headers: dict[str, str] = JSON) -> httpx2.Response:
        return await self.browser.post(created.pay_url, data={"action": action}, headers=headers)

    async def pay(self, created: Created) -> None:
        await self.press(created, "pay")

    async def decline(self, created: Created) -> None:
        await self.press(created, "decline")

    async def callbacks(self, payment: str, count: int) -> list[Received]:
        return await asyncio.to_thread(self.endpoint.wait_for, payment, count)

    async def events(self, payment: str, count: int) -> list[object]:
        return [self.provider.verify(c.headers, c.body, now_ms()) for c in await self.callbacks(payment, count)]

    async def scripted(self, **faults: object) -> tuple[PaymentRequest, Created]:
        request = PaymentProviderContract.request(self)
        script_faults(self.url, request.payment, **faults)
        created = await self.provider.create(request)
        assert isinstance(created, Created)
        return request, created

    async def aclose(self) -> None:
        await self.browser.aclose()
        await self.provider.aclose()
        await self.unreachable.aclose()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[CallbackEndpoint]:
    endpoint = CallbackEndpoint()
    yield endpoint
    endpoint.close()


@pytest.fixture(scope="module")
def sandbox_url(endpoint: CallbackEndpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite", endpoint.url) as url:
        yield url


@pytest.fixture
async def sandbox(sandbox_url: str, endpoint: CallbackEndpoint) -> AsyncIterator[SandboxWorld]:
    world = SandboxWorld(sandbox_url, endpoint)
    yield world
    await world.aclose()


class TestSandboxKeepsTheContract(PaymentProviderContract):
    @pytest.fixture
    def world(self, sandbox: SandboxWorld) -> PaymentWorld:
        return sandbox


class TestFaults:
    async def test_duplicates_come_under_one_delivery_id(self, sandbox: SandboxWorld) -> None:
        request, created = await sandbox.scripted(duplicates=2)
        await sandbox.pay(created)
        events = await sandbox.events(request.payment, 3)
        assert len({event.delivery_id for event in events if isinstance(event, PaymentPaid)}) == 1
        assert all(isinstance(event, PaymentPaid) for event in events)

    async def test_a_lost_callback_leaves_the_truth_to_a_query(self, sandbox: SandboxWorld) -> None:
        request, created = await sandbox.scripted(lost=True)
        await sandbox.pay(created)
        assert isinstance(await sandbox.provider.query(request.payment), Paid)
        other, other_created = await sandbox.scripted()
        await sandbox.pay(other_created)
        await sandbox.callbacks(other.payment, 1)
        assert sandbox.endpoint.count(request.payment) == 0

    async def test_a_delayed_callback_comes_later(self, sandbox: SandboxWorld) -> None:
        request, created = await sandbox.scripted(delay_ms=300, jitter_ms=50, seed=7)
        paid_ms = now_ms()
        await sandbox.pay(created)
        await sandbox.callbacks(request.payment, 1)
        assert now_ms() - paid_ms >= 290

    async def test_reordered_callbacks_tell_the_refund_before_the_payment(self, sandbox: SandboxWorld) -> None:
        request, created = await sandbox.scripted(reorder=True)
        await sandbox.pay(created)
        await sandbox.provider.refund(PaymentProviderContract.refund_of(sandbox, request))
        kinds = [type(event) for event in await sandbox.events(request.payment, 2)]
        assert kinds == [RefundSettled, PaymentPaid]

    async def test_an_unheard_answer_makes_the_provider_call_again(self, sandbox: SandboxWorld) -> None:
        request, created = await sandbox.scripted(dropped_answers=2)
        await sandbox.pay(created)
        first, second, third = await sandbox.events(request.payment, 3)
        assert first == second == third

    async def test_a_refused_callback_is_tried_again(self, sandbox: SandboxWorld) -> None:
        request, created = await sandbox.scripted()
        sandbox.endpoint.answer_next(request.payment, 503, 302, 204)
        await sandbox.pay(created)
        first, _, third = await sandbox.callbacks(request.payment, 3)
        assert first.body == third.body

    async def test_a_wrong_amount_is_told_by_callback_and_query_alike(self, sandbox: SandboxWorld) -> None:
        request, created = await sandbox.scripted(wrong_amount_minor=1)
        await sandbox.pay(created)
        (event,) = await sandbox.events(request.payment, 1)
        state = await sandbox.provider.query(request.payment)
        assert isinstance(event, PaymentPaid)
        assert isinstance(state, Paid)
        assert event.amount_minor == state.amount_minor == 1

    async def test_forged_and_stale_attempts_are_refused_and_the_genuine_one_is_believed(
        self, sandbox: SandboxWorld
    ) -> None:
        request, created = await sandbox.scripted(bad_signatures=1, stale_timestamps=1)
        sandbox.endpoint.answer_next(request.payment, 401, 401)
        await sandbox.pay(created)
        forged, stale, genuine = await sandbox.events(request.payment, 3)
        assert forged == Denied(Code.SIGNATURE_INVALID, detail={"reason": "forged"})
        assert stale == Denied(Code.SIGNATURE_INVALID, detail={"reason": "stale"})
        assert isinstance(genuine, PaymentPaid)

    async def test_money_may_come_after_the_payment_was_closed(self, sandbox: SandboxWorld) -> None:
        request, created = await sandbox.scripted(pay_after_close=True)
        assert await sandbox.provider.close(request.payment) == Closed()
        await sandbox.pay(created)
        (event,) = await sandbox.events(request.payment, 1)
        assert isinstance(event, PaymentPaid)
        assert isinstance(await sandbox.provider.query(request.payment), Paid)

    async def test_an_error_after_the_create_is_healed_by_asking_again(self, sandbox: SandboxWorld) -> None:
        request = PaymentProviderContract.request(sandbox)
        script_faults(sandbox.url, request.payment, create_errors=1)
        failed = await sandbox.provider.create(request)
        assert isinstance(failed, Unavailable)
        assert failed.retryable
        assert isinstance(await sandbox.provider.create(request), Created)

    async def test_a_refund_fails_when_scripted(self, sandbox: SandboxWorld) -> None:
        request, created = await sandbox.scripted(refund_fails=True)
        await sandbox.pay(created)
        refund = PaymentProviderContract.refund_of(sandbox, request)
        state = await sandbox.provider.refund(refund)
        assert state == RefundState(RefundStatus.FAILED, 0, "scripted failure")
        event = (await sandbox.events(request.payment, 2))[1]
        assert isinstance(event, RefundSettled)
        assert event.status is RefundStatus.FAILED

    @pytest.mark.parametrize("fails", [False, True])
    async def test_a_slow_refund_is_pending_first(self, sandbox: SandboxWorld, fails: bool) -> None:
        request, created = await sandbox.scripted(refund_delay_ms=200, refund_fails=fails)
        await sandbox.pay(created)
        refund = PaymentProviderContract.refund_of(sandbox, request)
        state = await sandbox.provider.refund(refund)
        assert isinstance(state, RefundState)
        assert state.status is RefundStatus.PENDING
        event = (await sandbox.events(request.payment, 2))[1]
        assert isinstance(event, RefundSettled)
        end = RefundStatus.FAILED if fails else RefundStatus.SUCCEEDED
        assert event.status is end
        settled = await sandbox.provider.query_refund(refund.refund)
        assert isinstance(settled, RefundState)
        assert settled.status is end

    async def test_a_script_may_wait_for_the_next_payment_opened(self, sandbox: SandboxWorld) -> None:
        script_faults(sandbox.url, None, wrong_amount_minor=5)
        request = PaymentProviderContract.request(sandbox)
        created = await sandbox.provider.create(request)
        assert isinstance(created, Created)
        await sandbox.pay(created)
        paid = await sandbox.provider.query(request.payment)
        assert isinstance(paid, Paid)
        assert paid.amount_minor == 5
        _, untouched = await sandbox.scripted()
        assert (await sandbox.press(untouched, "pay")).json()["amount_minor"] == request.amount_minor


class TestCallbacks:
    @staticmethod
    def signed(body: object, secret: Secret = SECRET) -> tuple[dict[str, str], bytes]:
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return sign(secret, delivery="d1", timestamp_seconds=now_ms() // 1000, body=raw), raw

    async def test_a_decline_is_nothing_the_box_office_acts_on(self, sandbox: SandboxWorld) -> None:
        request, created = await sandbox.scripted()
        await sandbox.decline(created)
        (event,) = await sandbox.events(request.payment, 1)
        assert isinstance(event, Other)
        assert event.kind == "payment.declined"

    async def test_a_callback_for_another_merchant_is_refused(self, sandbox: SandboxWorld) -> None:
        headers, body = self.signed({"type": "payment.paid", "merchant": "somebody", "payment": "p"})
        verdict = sandbox.provider.verify(headers, body, now_ms())
        assert verdict == Denied(Code.SIGNATURE_INVALID, detail={"reason": "foreign merchant"})

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"type": 1}', b"\xff"])
    async def test_a_genuine_callback_that_cannot_be_read_is_a_bad_request(
        self, sandbox: SandboxWorld, body: bytes
    ) -> None:
        headers, raw = self.signed(body)
        verdict = sandbox.provider.verify(headers, raw, now_ms())
        assert isinstance(verdict, Denied)
        assert verdict.code is Code.BAD_REQUEST


class TestSignedCalls:
    async def test_a_call_with_another_secret_changes_nothing(self, sandbox: SandboxWorld) -> None:
        stranger = SandboxPayments(sandbox.url, [Secret(b"x" * 32)], clock=now_ms, new_id=new_id)
        request = PaymentProviderContract.request(sandbox)
        refused = await stranger.create(request)
        await stranger.aclose()
        assert isinstance(refused, Unavailable)
        assert not refused.retryable
        assert isinstance(await sandbox.provider.create(request), Created)

    async def test_an_unsigned_or_stale_call_is_refused(self, sandbox: SandboxWorld) -> None:
        assert (await sandbox.browser.post(sandbox.url + "/v1/payments", content=b"{}")).status_code == 401
        late = SandboxPayments(sandbox.url, [SECRET], clock=lambda: now_ms() - 400_000, new_id=new_id)
        refused = await late.query("p")
        await late.aclose()
        assert isinstance(refused, Unavailable)

    @pytest.mark.parametrize(
        "change",
        [
            {"amount_minor": 0},
            {"currency": "yuan"},
            {"currency": "RMB"},
            {"currency": "XXX"},
            {"currency": "CNY\n"},  # a `$` would let the line break through
            {"return_url": "javascript:alert(1)"},
            {"return_url": 'http://a/"onclick="'},
            {"payment": "a/b"},
        ],
    )
    async def test_a_malformed_payment_is_refused(self, sandbox: SandboxWorld, change: dict[str, Any]) -> None:
        refused = await sandbox.provider.create(PaymentProviderContract.request(sandbox, **change))
        assert isinstance(refused, Unavailable)
        assert not refused.retryable

    async def test_a_body_beyond_the_bound_is_refused_unread(self, sandbox: SandboxWorld) -> None:
        answer = await sandbox.browser.post(sandbox.url + "/v1/payments", content=b"x" * 70_000)
        assert answer.status_code == 413


class TestCashier:
    async def test_the_page_shows_what_is_paid_as_text_and_says_test_money(self, sandbox: SandboxWorld) -> None:
        request, created = await sandbox.scripted()
        page = await sandbox.browser.get(created.pay_url, headers=HTML)
        assert page.status_code == 200
        assert "TEST MONEY" in page.text
        assert "¥128.00" in page.text
        assert request.order in page.text
        assert "一张票 &lt;b&gt;&amp;" in page.text
        assert [value for value in ("pay", "decline", "abandon") if f'value="{value}"' in page.text] == [
            "pay",
            "decline",
            "abandon",
        ]
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "<script" not in page.text

    async def test_paying_shows_success_and_the_way_back(self, sandbox: SandboxWorld) -> None:
        request = PaymentProviderContract.request(sandbox, return_url="http://127.0.0.1:8000/?show=a&b=1")
        created = await sandbox.provider.create(request)
        assert isinstance(created, Created)
        page = await sandbox.press(created, "pay", HTML)
        assert page.status_code == 200
        assert "支付成功" in page.text
        assert 'href="http://127.0.0.1:8000/?show=a&amp;b=1"' in page.text
        again = await sandbox.browser.get(created.pay_url, headers=HTML)
        assert "支付成功" in again.text
        assert "<form" not in again.text

    async def test_scripts_are_answered_in_json(self, sandbox: SandboxWorld) -> None:
        request, created = await sandbox.scripted()
        outcomes = [(await sandbox.press(created, action)).json() for action in ("abandon", "decline", "pay", "pay")]
        assert [told["outcome"] for told in outcomes] == ["abandoned", "declined", "paid", "paid"]
        assert [told["state"] for told in outcomes] == ["unpaid", "unpaid", "paid", "paid"]
        assert outcomes[-1]["order"] == request.order

    async def test_a_closed_or_expired_payment_is_told_as_such(self, sandbox: SandboxWorld) -> None:
        request, created = await sandbox.scripted()
        await sandbox.provider.close(request.payment)
        closed = await sandbox.press(created, "pay")
        assert (closed.status_code, closed.json()["outcome"]) == (409, "closed")
        late = await sandbox.provider.create(PaymentProviderContract.request(sandbox, expires_ms=1))
        assert isinstance(late, Created)
        expired = await sandbox.press(late, "pay")
        assert (expired.status_code, expired.json()["outcome"]) == (409, "expired")

    async def test_an_unknown_address_or_button_is_refused(self, sandbox: SandboxWorld) -> None:
        _, created = await sandbox.scripted()
        assert (await sandbox.press(created, "steal")).status_code == 400
        nowhere = Created(sandbox.url + "/cashier/nobody", "")
        assert (await sandbox.press(nowhere, "pay")).status_code == 404
        assert (await sandbox.browser.get(nowhere.pay_url, headers=HTML)).status_code == 404

    async def test_a_multipart_form_is_understood_too(self, sandbox: SandboxWorld) -> None:
        _, created = await sandbox.scripted()
        content = b'--b\r\ncontent-disposition: form-data; name="action"\r\n\r\npay\r\n--b--\r\n'
        answer = await sandbox.browser.post(
            created.pay_url, content=content, headers={**JSON, "content-type": "multipart/form-data; boundary=b"}
        )
        assert answer.json()["outcome"] == "paid"


class TestProcess:
    def test_what_was_due_at_the_end_is_delivered_after_the_next_start(
        self, tmp_path: Path, endpoint: CallbackEndpoint
    ) -> None:
        data = tmp_path / "book.sqlite"

        async def pay(url: str) -> str:
            world = SandboxWorld(url, endpoint)
            request, created = await world.scripted(delay_ms=700)
            await world.pay(created)
            await world.aclose()
            return request.payment

        with running_sandbox(data, endpoint.url) as url:
            payment = asyncio.run(pay(url))
        assert endpoint.count(payment) == 0
        with running_sandbox(data, endpoint.url):
            assert len(endpoint.wait_for(payment, 1)) == 1

    def test_it_ends_cleanly_on_sigterm(self, tmp_path: Path) -> None:
        sandbox = SandboxProcess(tmp_path / "book.sqlite", "http://127.0.0.1:1/")
        sandbox.wait_until_listening()
        assert sandbox.stop() == (0, "")

    def test_it_refuses_to_start_outside_demo_and_test(self, tmp_path: Path) -> None:
        status, said = SandboxProcess(tmp_path / "book.sqlite", "http://127.0.0.1:1/", mode="production").wait()
        assert status == 2
        assert said.count("\n") == 1
        assert "test money" in said
        assert not list(tmp_path.iterdir())

    def test_a_taken_port_is_told_in_one_sentence(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port: int = taken.getsockname()[1]
            status, said = SandboxProcess(tmp_path / "book.sqlite", "http://127.0.0.1:1/", port=port).wait()
        assert status == 1
        assert said.count("\n") == 1
        assert "taken" in said

    def test_an_unwritable_file_is_told_in_one_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        status, said = SandboxProcess(tmp_path / "file" / "book.sqlite", "http://127.0.0.1:1/").wait()
        assert status == 1
        assert said.count("\n") == 1
