import { Hono } from "hono";
import { stream, streamSSE } from "hono/streaming";
import type { Reference } from "../api/references.ts";
import { MiiiiError, messageOf } from "../core/index.ts";
import { refusalOf } from "./access.ts";
import type { Follower } from "./follower.ts";
import { BusyError, type Jobs } from "./jobs.ts";
import { computeRequest, wantedModel } from "./request.ts";
import { listedRuns, versionOf } from "./runs.ts";

/** What an app serves. */
export interface Served {
  readonly token: string;
  /** The page, and the policy that a browser is to hold it to. */
  readonly page: { readonly html: string; readonly policy: string };
  readonly references: readonly Reference[];
  readonly jobs: Jobs;
  /** Of each run directory, in the order of the references. */
  readonly followers: readonly (Follower | undefined)[];
  /** Aborted when the server closes: streams end then. */
  readonly closing: AbortSignal;
}

/** Pages that may follow runs at the same time. */
const MOST_FOLLOWING = 48;

/** How often a silent stream says that it is there, so that a viewer that has gone is noticed. */
const ALIVE_MS = 15_000;

const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

function statusOf(error: unknown): 400 | 500 | 503 {
  if (error instanceof BusyError) return 503;
  return error instanceof MiiiiError && error.code === "usage" ? 400 : 500;
}

/**
 * The server's answers: the page, the list of its runs, what is computed, what is followed. Everything stands under the token.
 */
export function serveApp({ token, page, references, jobs, followers, closing }: Served): Hono {
  const app = new Hono({ getPath: (request) => new URL(request.url).pathname });
  let following = 0;
  app.use("*", async (c, next) => {
    const { method, url } = c.req.raw;
    const path = url.slice(url.indexOf("/", url.indexOf("//") + 2));
    const asked = { method, path, host: c.req.header("host"), origin: c.req.header("origin") };
    const refusal = refusalOf(asked, token);
    if (refusal === undefined) await next();
    else c.res = c.text(`miiii: ${refusal.message}\n`, refusal.status, refusal.status === 405 ? { allow: "GET, HEAD" } : {});
    for (const [name, value] of Object.entries(HEADERS)) if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  });
  app.get("/:token", (c) => c.redirect(`/${token}/`));
  app.get("/:token/", (c) => c.html(page.html, 200, { "content-security-policy": page.policy }));
  app.get("/:token/runs", (c) => c.json({ runs: listedRuns(references) }));
  app.get("/:token/compute/:kind", (c) => {
    const request = computeRequest(c.req.param("kind"), new URL(c.req.url).searchParams, references.length);
    const reference = references[request.run] as Reference;
    const task = { request, stamp: versionOf(reference, request, request.kind === "analysis") };
    const left = new AbortController();
    const leave = () => left.abort();
    c.req.raw.signal.addEventListener("abort", leave, { once: true });
    closing.addEventListener("abort", leave, { once: true });
    c.header("content-type", "application/x-ndjson; charset=utf-8");
    return stream(c, async (out) => {
      out.onAbort(leave);
      const say = async (line: string) => {
        if (!left.signal.aborted) await out.write(`${line}\n`);
      };
      try {
        const json = await jobs.run(task, { signal: left.signal, onNews: (news) => void say(JSON.stringify(news)) });
        await say(`{"result":${json}}`);
      } catch (error) {
        await say(JSON.stringify({ error: messageOf(error), busy: error instanceof BusyError }));
      } finally {
        closing.removeEventListener("abort", leave);
      }
    });
  });
  app.get("/:token/events", (c) => {
    const { run } = wantedModel(new URL(c.req.url).searchParams, references.length);
    const follower = followers[run];
    if (follower === undefined)
      throw new MiiiiError("usage", `run: must be a run directory to be followed, is ${references[run]?.path}`);
    if (following >= MOST_FOLLOWING) throw new BusyError(MOST_FOLLOWING);
    following += 1;
    return streamSSE(c, async (out) => {
      await new Promise<void>((resolve) => {
        const stop = follower.follow((news) => void out.writeSSE({ data: JSON.stringify(news) }));
        const alive = setInterval(() => void out.write(": alive\n\n"), ALIVE_MS);
        const leave = () => {
          stop();
          clearInterval(alive);
          closing.removeEventListener("abort", leave);
          resolve();
        };
        out.onAbort(leave);
        closing.addEventListener("abort", leave, { once: true });
        if (out.aborted || closing.aborted) leave();
      });
      following -= 1;
    });
  });
  app.notFound((c) => c.text("miiii: there is nothing at this address\n", 404));
  app.onError((error, c) => c.text(`miiii: ${messageOf(error)}\n`, statusOf(error)));
  return app;
}
