import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** A word that nobody guesses, for the server's address. */
export function makeToken(): string {
  return randomBytes(18).toString("base64url");
}

const digest = (text: string) => createHash("sha256").update(text).digest();

/** Whether two words are the same, in a time that does not tell how much of them is. */
export function sameToken(given: string, token: string): boolean {
  return timingSafeEqual(digest(given), digest(token));
}

const OWN_HOSTS = ["127.0.0.1", "localhost", "[::1]"];

/** Whether an authority (`host` or `host:port`) is this machine's own; the port may be that of a tunnel. */
function isOwn(authority: string): boolean {
  return OWN_HOSTS.includes(authority.toLowerCase().replace(/:\d{1,5}$/, ""));
}

/** What a request says of where it comes from and goes to. */
export interface Asked {
  readonly method: string;
  /** As sent, undecoded. */
  readonly path: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
}

/** A refusal: the status and a sentence. */
export interface Refusal {
  readonly status: 403 | 405 | 414;
  readonly message: string;
}

/** The longest address that is read. */
const MOST_PATH = 12_000;

/**
 * Why a request is refused; undefined where it is not. A page from elsewhere reaches this server under its own name (DNS
 * rebinding) or with its own origin, and knows no token.
 */
export function refusalOf({ method, path, host, origin }: Asked, token: string): Refusal | undefined {
  if (host === undefined || !isOwn(host))
    return {
      status: 403,
      message: "must be asked for as 127.0.0.1 or localhost: this server is for the pages of this machine alone",
    };
  if (origin !== undefined && !(URL.canParse(origin) && isOwn(new URL(origin).host)))
    return { status: 403, message: "must be asked by its own page, not by one from elsewhere" };
  if (method !== "GET" && method !== "HEAD") return { status: 405, message: "must be asked with GET: nothing here is changed" };
  if (path.length > MOST_PATH) return { status: 414, message: `must have an address of at most ${MOST_PATH} characters` };
  const given = /^\/([^/?#]*)/.exec(path)?.[1] ?? "";
  if (!sameToken(given, token))
    return { status: 403, message: "must be opened by the whole address that miiii printed, with its token" };
  return undefined;
}
