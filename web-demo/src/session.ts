/** Who this tab is. Tokens stay in sessionStorage, one per user and role, as frames of one tab share it. */
import { demoLogin } from "./api";
import type { Role } from "./contract.gen";
import type { Result } from "./live";

const WHO = "liveroom.user";
const DEVICE = "liveroom.device";

export class Session {
  private renewing: Promise<Result<string>> | undefined;

  private constructor(readonly user: string, readonly role: Role, private held: string) {}

  /** Logs in, or takes up the fan's token this tab already has. */
  static async open(user: string, role: Role): Promise<Result<Session>> {
    const stored = sessionStorage.getItem(slot(user, role));
    // A login gives staff their role, which may have gone since; a fan has none to lose.
    if (role === "viewer" && stored && expiry(stored) > Date.now() + 60_000) return { ok: true, data: new Session(user, role, stored) };
    const answer = await demoLogin(user, role);
    if (!answer.ok) return answer;
    sessionStorage.setItem(slot(user, role), answer.data.token);
    return { ok: true, data: new Session(user, role, answer.data.token) };
  }

  /** The user remembered in this tab, for pages without `?user=`. */
  static remembered(role: Role): string | null {
    return sessionStorage.getItem(`${WHO}.${role}`);
  }

  remember(): this {
    sessionStorage.setItem(`${WHO}.${this.role}`, this.user);
    return this;
  }

  forget(): void {
    sessionStorage.removeItem(`${WHO}.${this.role}`);
    sessionStorage.removeItem(slot(this.user, this.role));
  }

  /** Makes one call with the token, and once more with a new one where it has run out. */
  async ask<T>(call: (token: string) => Promise<Result<T>>): Promise<Result<T>> {
    const used = this.held;
    const answer = await call(used);
    if (answer.ok || !isStale(answer.error.code)) return answer;
    // Another call may have renewed it meanwhile.
    const renewed = used === this.held ? await this.renew() : { ok: true as const, data: this.held };
    return renewed.ok ? call(renewed.data) : answer;
  }

  /** For `LiveOptions.token`. */
  readonly provide = async (renew: boolean): Promise<string> => {
    if (!renew) return this.held;
    const renewed = await this.renew();
    if (!renewed.ok) throw Object.assign(new Error(renewed.error.code), renewed.error);
    return renewed.data;
  };

  /** One login for all who ask at the same time. */
  private async renew(): Promise<Result<string>> {
    this.renewing ??= this.logInAgain().finally(() => (this.renewing = undefined));
    return this.renewing;
  }

  private async logInAgain(): Promise<Result<string>> {
    const answer = await demoLogin(this.user, this.role);
    if (!answer.ok) return answer;
    this.held = answer.data.token;
    sessionStorage.setItem(slot(this.user, this.role), this.held);
    return { ok: true, data: this.held };
  }
}

/** A tab stands for a device, so that two of them show what two devices would do. */
export function deviceOfTab(): string {
  const known = sessionStorage.getItem(DEVICE);
  if (known !== null) return known;
  // randomUUID is for secure origins only
  const made = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  sessionStorage.setItem(DEVICE, made);
  return made;
}

/** Whether a refusal is about the token: another one may help, the same again never does. */
export function isStale(code: string): boolean {
  return code === "TOKEN_EXPIRED" || code === "TOKEN_INVALID";
}

function slot(user: string, role: Role): string {
  return `liveroom.token.${role}.${user}`;
}

/** `exp` of a JWT in ms, 0 when it has none. Read only to renew in time; the server alone verifies. */
function expiry(token: string): number {
  try {
    const body = JSON.parse(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/"))) as { exp?: number };
    return (body.exp ?? 0) * 1000;
  } catch {
    return 0;
  }
}
