/** What became of a fan's money: also what happened while nobody was here to be told. */
import type { JSX } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { loadInbox, loadShow, type Notice } from "../../api";
import { clockOf, dayOf, money } from "../../format";
import { useLanguage, type Translate } from "../../i18n";
import { words } from "../../texts/words";
import { Icon } from "../../ui/icons";
import type { FanPage, Feature } from "../feature";
import { takeUnread } from "./unread";

export const texts = words(
  {
    "notice.money_returning": "Your payment of {amount} came when it could buy nothing any more. It goes back to you by itself. Order {order}.",
    "notice.refund_failed": "The refund of {amount} failed. If it was for your ticket, the ticket is valid again. Order {order}.",
    "notice.refunds_open": "The show has changed: you may return your ticket again.",
    "notice.refunds_open_until": "The show has changed: you may return your ticket again until {date}, {time}.",
  },
  {
    "notice.money_returning": "你支付的 {amount} 到账时已无票可买，款项会自动退还给你。订单 {order}。",
    "notice.refund_failed": "退款 {amount} 失败。如果退的是你的票，该票恢复有效。订单 {order}。",
    "notice.refunds_open": "演出安排有变：你现在可以再次申请退票。",
    "notice.refunds_open_until": "演出安排有变：在 {date} {time} 之前，你可以再次申请退票。",
  },
);

const RETRY_MS = 5_000;

/** On opening, on every return and when news of money come: what was not yet shown stands here until it is dismissed. */
function MoneyNotices({ session, show: { show, title }, state }: FanPage): JSX.Element | null {
  const { t, language } = useLanguage();
  const [notices, setNotices] = useState<readonly Notice[]>([]);
  const [titles, setTitles] = useState<Readonly<Record<string, string>>>({});
  const [attempt, setAttempt] = useState(0);
  const retry = useRef<ReturnType<typeof setTimeout>>(undefined);
  const look = useCallback(async () => {
    if (document.hidden) return; // it is looked at on return
    const inbox = await session.ask(loadInbox);
    clearTimeout(retry.current); // one at a time, however often a look failed
    if (!inbox.ok) {
      if (inbox.error.retryable) retry.current = setTimeout(() => setAttempt((count) => count + 1), inbox.error.retry_after_ms ?? RETRY_MS);
      return;
    }
    const unread = takeUnread(session.user, inbox.data);
    if (unread.length > 0) setNotices((held) => [...held, ...unread]);
  }, [session]);

  const { state: link } = state.connection;
  const told = state.inbox.filter((note) => isAboutMoney(note.kind)).at(-1)?.id;
  useEffect(() => {
    if (link === "online" || link === "refused" || link === "ended") void look();
  }, [look, link, told, attempt]);
  useEffect(() => () => clearTimeout(retry.current), []);
  useEffect(() => {
    const looks = () => void look();
    document.addEventListener("visibilitychange", looks);
    return () => document.removeEventListener("visibilitychange", looks);
  }, [look]);
  const others = [...new Set(notices.map((notice) => notice.show))].filter((one) => one !== show && !(one in titles));
  useEffect(() => {
    for (const one of others) void session.ask((token) => loadShow(token, one)).then((loaded) => setTitles((held) => ({ ...held, [one]: loaded.ok ? loaded.data.title : "" })));
  }, [others.join()]);

  if (notices.length === 0) return null;
  return (
    <div class="notices" data-testid="notices">
      {notices.map((notice) => (
        <div key={notice.id} class="notice" role="alert" data-testid="notice" data-id={notice.id} data-kind={notice.kind}>
          <Icon name="coin" size={18} />
          <span>
            {noticeText(t, notice, language)}
            <small class="muted"><bdi>{notice.show === show ? title : titles[notice.show] ?? ""}</bdi> <time>{t("intro.at", { day: dayOf(notice.at_ms, language), time: clockOf(notice.at_ms, language) })}</time></small>
          </span>
          <button type="button" class="quiet" data-testid="dismiss-notice" aria-label={t("dismiss")} onClick={() => setNotices((held) => held.filter((one) => one.id !== notice.id))}><Icon name="close" size={14} /></button>
        </div>
      ))}
    </div>
  );
}

/** Those are kept, and shown here; the others pass. */
function isAboutMoney(kind: string): boolean {
  return kind === "money_returning" || kind === "refund_failed" || kind === "refunds_open";
}

export function noticeText(t: Translate, notice: Notice, language: string): string {
  if (notice.kind === "refunds_open") {
    if (notice.until_ms === null) return t("notice.refunds_open");
    return t("notice.refunds_open_until", { date: dayOf(notice.until_ms, language), time: clockOf(notice.until_ms, language) });
  }
  return t(`notice.${notice.kind}`, { amount: money(notice.amount_minor ?? 0, notice.currency, language), order: notice.order ?? "" });
}

export const fan: Feature["fan"] = { banner: MoneyNotices };
