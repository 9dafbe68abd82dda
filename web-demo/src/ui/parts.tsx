/** Small parts every page uses. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Countdown, Tier } from "../contract.gen";
import type { Session } from "../session";
import { Session as Sessions } from "../session";
import type { Role } from "../contract.gen";
import { duration } from "../format";
import { codeText, useLanguage, type TextKey } from "../i18n";
import { useNow } from "../clock";
import { Icon } from "./icons";
import { PosterBand } from "./show_poster";

export function TierBadge({ tier, testid }: { tier: Tier; testid?: string }): JSX.Element {
  const { t } = useLanguage();
  return (
    <span class={`badge tier-${tier}`} data-testid={testid} data-value={tier}>
      <Icon name={tier === "vip" ? "crown" : "ticket"} size={14} />
      {t(`tier.${tier}`)}
    </span>
  );
}

/** Time left by the server's clock, `offset_ms` ahead of ours. */
export function TimeLeft({ target_ms, offset_ms, zero }: { target_ms: number; offset_ms: number; zero?: string }): JSX.Element {
  const left = target_ms - (useNow(500) + offset_ms);
  return <time class="digits">{left <= 0 && zero ? zero : duration(left)}</time>;
}

export function CountdownLine({ countdown, offset_ms }: { countdown: Countdown; offset_ms: number }): JSX.Element {
  const { t } = useLanguage();
  const due = useNow(500) + offset_ms >= (countdown.target_ms ?? 0);
  const { kind } = countdown;
  if (due && !countdown.label && (kind === "doors" || kind === "show")) {
    return <div class="countdown due" data-testid="countdown" data-kind={kind}><time>{t(`intro.due.${kind}`)}</time></div>;
  }
  const label = countdown.label || t(`countdown.${countdown.kind}`);
  return (
    <div class="countdown" data-testid="countdown" data-kind={countdown.kind}>
      <span class="countdown-label">{label}</span>
      <TimeLeft target_ms={countdown.target_ms ?? 0} offset_ms={offset_ms} zero={t("countdown.now")} />
    </div>
  );
}

export function Meter({ value, held, of, label }: { value: number; held: number; of: number; label: string }): JSX.Element {
  const share = (part: number) => `${of > 0 ? Math.min(100, (part / of) * 100) : 0}%`;
  return (
    <div class="meter" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={of} aria-valuenow={value}>
      <span class="meter-sold" style={{ width: share(value) }} />
      <span class="meter-held" style={{ width: share(held) }} />
    </div>
  );
}

export function Panel({ title, icon, aside, children, id, class: extra = "" }: {
  title: string; icon?: string; aside?: ComponentChildren; children: ComponentChildren; id?: string; class?: string;
}): JSX.Element {
  return (
    <section class={`panel ${extra}`} id={id} aria-label={title}>
      <header class="panel-head">
        <h2>{icon && <Icon name={icon} />}{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

/** One number of the console, and what it counts. */
export function NumberTile({ label, testid, children }: { label: string; testid: string; children: ComponentChildren }): JSX.Element {
  return <div class="number"><span>{label}</span><strong class="digits" data-testid={testid}>{children}</strong></div>;
}

export function SmallButton({ run, look = "quiet", children }: { run: () => unknown; look?: string; children: ComponentChildren }): JSX.Element {
  return <button type="button" class={`${look} small`} onClick={() => void run()}>{children}</button>;
}

export function LanguageSwitch(): JSX.Element {
  const { t, toggle } = useLanguage();
  return (
    <button type="button" class="quiet" onClick={toggle} data-testid="language">
      <Icon name="globe" size={16} />{t("app.language")}
    </button>
  );
}

export function Brand(): JSX.Element {
  return (
    <a class="brand" href="/" aria-label="liveroom">
      <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="9" fill="var(--accent)" /><path d="M13 10.500v11l9-5.500z" fill="#fff" /></svg>
      <span>liveroom</span>
    </a>
  );
}

export interface Toast {
  id: number;
  text: string;
  tone: "good" | "bad" | "plain";
}

const TOAST_MS = 5_000;
let nextToast = 1;

/** Short notices; at most four, each gone after five seconds. */
export function useToasts(): [JSX.Element, (text: string, tone?: Toast["tone"]) => void] {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const drop = (id: number) => setToasts((held) => held.filter((toast) => toast.id !== id));
  const add = (text: string, tone: Toast["tone"] = "plain") => {
    const id = nextToast++;
    setToasts((held) => [...held.slice(-3), { id, text, tone }]);
    setTimeout(() => drop(id), TOAST_MS);
  };
  const { t } = useLanguage();
  const view = (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.map((toast) => (
        <div key={toast.id} class={`toast ${toast.tone}`}>
          <span>{toast.text}</span>
          <button type="button" class="quiet" aria-label={t("dismiss")} onClick={() => drop(toast.id)}><Icon name="close" size={14} /></button>
        </div>
      ))}
    </div>
  );
  return [view, add];
}

export function LoginCard({ role, roles = [], onRole, title, lead, onSession }: {
  role: Role; roles?: readonly Role[]; onRole?: (role: Role) => void; title: TextKey; lead: TextKey; onSession: (session: Session) => void;
}): JSX.Element {
  const { t } = useLanguage();
  const [name, setName] = useState("");
  const [failed, setFailed] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    const user = name.trim();
    if (!user || busy) return;
    setBusy(true);
    const opened = await Sessions.open(user, role);
    setBusy(false);
    if (opened.ok) onSession(opened.data.remember());
    else setFailed(opened.error.code);
  };
  return (
    <form class="card login" onSubmit={submit}>
      <PosterBand title="liveroom" />
      <h1>{t(title)}</h1>
      <p class="muted">{t(lead)}</p>
      <label class="field">
        <span>{t("login.name")}</span>
        <input data-testid="login-name" value={name} maxLength={40} autoFocus autocomplete="nickname" onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      {roles.length > 1 && (
        <div class="segmented" role="group" aria-label={t("login.role")}>
          {roles.map((one) => <button type="button" key={one} data-testid={`login-${one}`} aria-pressed={one === role} onClick={() => onRole?.(one)}>{t(`role.${one}`)}</button>)}
        </div>
      )}
      <button type="submit" class="primary" data-testid="login-button" disabled={!name.trim() || busy}>{t("login.go")}</button>
      {failed && <p class="bad" role="alert">{t("login.failed", { why: codeText(t, failed) })}</p>}
    </form>
  );
}

/** Logs in as `wanted` or as the user this tab remembers; null until then. */
export function useSession(role: Role, wanted: string | null): [Session | null, (session: Session | null) => void, boolean] {
  const name = wanted ?? Sessions.remembered(role);
  const [session, setSession] = useState<Session | null>(null);
  const [pending, setPending] = useState(name !== null);
  useEffect(() => {
    if (name === null || session) return;
    let gone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const attempt = async () => {
      const opened = await Sessions.open(name, role);
      if (gone) return;
      if (opened.ok) setSession(wanted ? opened.data : opened.data.remember());
      else if (opened.error.retryable) timer = setTimeout(attempt, 2_000);
      setPending(!opened.ok && opened.error.retryable);
    };
    void attempt();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [name]);
  return [session, setSession, pending];
}
