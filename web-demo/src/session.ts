/** Who this tab is. Tokens stay in sessionStorage, one per user and role, as frames of one tab share it. */
import { demoLogin } from "./api";
import type { Role } from "./contract.gen";
import type { Result } from "./live";

const WHO = "liveroom.user";

export class Session {
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

  get token(): string {
    return this.held;
  }

  /** For `LiveOptions.token`. */
  readonly provide = async (renew: boolean): Promise<string> => {
    if (renew) {
      const answer = await demoLogin(this.user, this.role);
      if (!answer.ok) throw Object.assign(new Error(answer.error.code), answer.error);
      this.held = answer.data.token;
      sessionStorage.setItem(slot(this.user, this.role), this.held);
    }
    return this.held;
  };
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
