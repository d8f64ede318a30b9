import { spawnSync } from "node:child_process";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

/** The browser of this machine, if it has one: `$CHROMIUM`, or Chromium or Chrome on the path. */
export function findChromium(): string | undefined {
  const names = [process.env.CHROMIUM, "chromium", "chromium-browser", "google-chrome"];
  return names
    .flatMap((name) => (name === undefined || name === "" ? [] : [name]))
    .map((name) => spawnSync("sh", ["-c", 'command -v "$0"', name], { encoding: "utf8" }).stdout.trim())
    .find((path) => path !== "" && spawnSync(path, ["--version"], { stdio: "ignore" }).status === 0);
}

/** Opens the browser, without a window and with a profile of its own. */
export async function launchChromium(path: string): Promise<Browser> {
  const { chromium } = await import("playwright-core");
  return chromium.launch({ executablePath: path, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/** A page and everything it said and asked for. */
export interface WatchedPage {
  readonly page: Page;
  /** Console errors and warnings, exceptions and violations of the content policy. */
  readonly complaints: string[];
  /** Addresses asked for, the page itself included, data and blob addresses not. */
  readonly requests: string[];
}

/** Opens an address in a context of its own; its owner closes that. */
export async function watched(browser: Browser, address: string, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 1000 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning", "assert"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url())) requests.push(request.url());
  });
  await page.goto(address);
  return { page, complaints, requests };
}
