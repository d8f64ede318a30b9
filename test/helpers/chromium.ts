import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

/** The browser of this machine, if it has one: `$CHROMIUM`, or Chromium or Chrome on the path. */
export function findChromium(): string | undefined {
  const names = [process.env.CHROMIUM, "chromium", "chromium-browser", "google-chrome"];
  return names.find(
    (name) => name !== undefined && name !== "" && spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0,
  );
}

/** A message of the DevTools protocol. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** One page in a browser, and everything it said and asked for. */
export interface BrowserPage {
  /** Console errors, exceptions and log entries, such as violations of the content policy. */
  readonly complaints: string[];
  /** Addresses asked for, the page itself included, data and blob addresses not. */
  readonly requests: string[];
  send(method: string, params?: object): Promise<Readonly<Record<string, unknown>>>;
  /** The value of an expression in the page; promises are awaited. */
  evaluate(expression: string): Promise<unknown>;
  /** Evaluates until the expression is true; fails after `timeout` milliseconds. */
  until(expression: string, timeout?: number): Promise<void>;
  close(): Promise<void>;
}

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--hide-scrollbars",
  "--remote-debugging-pipe",
];

/** Opens `url` in a new browser with a profile of its own. Talks over a pipe: no port is opened. */
export async function openPage(
  browser: string,
  url: string,
  size: readonly [number, number] = [1400, 1000],
): Promise<BrowserPage> {
  const profile = mkdtempSync(join(tmpdir(), "miiii-chromium-"));
  const flags = [...FLAGS, `--user-data-dir=${profile}`, `--window-size=${size.join(",")}`, "about:blank"];
  const child: ChildProcess = spawn(browser, flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const [toBrowser, fromBrowser] = [child.stdio[3] as Writable, child.stdio[4] as Readable];
  const waiting = new Map<
    number,
    { resolve: (result: Readonly<Record<string, unknown>>) => void; reject: (error: Error) => void }
  >();
  const complaints: string[] = [];
  const requests: string[] = [];
  let session: string | undefined;
  let count = 0;
  let rest = "";

  const heard = ({ id, method, params = {}, result = {}, error }: Message) => {
    if (id !== undefined) {
      const call = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) call?.resolve(result);
      else call?.reject(new Error(error.message));
    } else if (method === "Network.requestWillBeSent") {
      const { url: asked } = params.request as { url: string };
      if (!/^(data|blob):/.test(asked)) requests.push(asked);
    } else if (method === "Runtime.exceptionThrown" || method === "Log.entryAdded") {
      complaints.push(JSON.stringify(params));
    } else if (method === "Runtime.consoleAPICalled" && ["error", "warning", "assert"].includes(String(params.type))) {
      complaints.push(JSON.stringify(params.args));
    }
  };
  fromBrowser.setEncoding("utf8");
  fromBrowser.on("data", (text: string) => {
    const parts = (rest + text).split("\0");
    rest = parts.pop() ?? "";
    for (const part of parts) heard(JSON.parse(part) as Message);
  });
  child.on("exit", () => {
    for (const { reject } of waiting.values()) reject(new Error("the browser has ended"));
  });

  const send = (method: string, params: object = {}) =>
    new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
      count += 1;
      waiting.set(count, { resolve, reject });
      toBrowser.write(
        `${JSON.stringify({ id: count, method, params, ...(session === undefined ? {} : { sessionId: session }) })}\0`,
      );
    });
  const { targetInfos } = (await send("Target.getTargets")) as unknown as { targetInfos: { targetId: string; type: string }[] };
  const targetId = targetInfos.find(({ type }) => type === "page")?.targetId;
  const attached = await send("Target.attachToTarget", { targetId, flatten: true });
  session = String(attached.sessionId);
  for (const domain of ["Page", "Network", "Runtime", "Log"]) await send(`${domain}.enable`);
  await send("Page.navigate", { url });

  const evaluate = async (expression: string) => {
    const how = { awaitPromise: true, returnByValue: true, allowUnsafeEvalBlockedByCSP: false };
    const answer = await send("Runtime.evaluate", { expression, ...how });
    if (answer.exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(answer.exceptionDetails)}`);
    return (answer.result as { value?: unknown }).value;
  };
  const until = async (expression: string, timeout = 30_000) => {
    for (let waited = 0; waited <= timeout; waited += 100) {
      if ((await evaluate(expression)) === true) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`never true: ${expression}; ${complaints.join("\n")}`);
  };
  const close = async () => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    session = undefined;
    send("Browser.close").catch(() => undefined);
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  await until('document.readyState === "complete"');
  return { complaints, requests, send, evaluate, until, close };
}
