import type { Argv } from "yargs";
import type { ForeignOptions } from "../api/foreign.ts";
import type { Reference } from "../api/references.ts";
import type { GivenSplit } from "../api/split-file.ts";
import { ensure } from "../core/index.ts";
import { numberOption } from "./config-options.ts";
import { note, print } from "./output.ts";
import { onStopSignal } from "./progress.ts";

/** What `explore` and `watch` take. */
export function withServerOptions<T>(parser: Argv<T>) {
  return parser
    .option("port", numberOption("port", "listen on this port of 127.0.0.1 [default: any free one]", "integer"))
    .option("open", {
      type: "boolean",
      default: false,
      description: "open the page in a browser even where stderr is no terminal",
    })
    .option("no-open", { type: "boolean", default: false, description: "open no browser, print the address alone" });
}

/** What {@link withServerOptions} say. */
export interface ServerOptions {
  readonly port: number | undefined;
  readonly open: boolean;
  readonly noOpen: boolean;
}

/** What is served. */
export interface ServedRuns {
  readonly kind: "explore" | "watch";
  readonly title: string;
  readonly references: readonly Reference[];
  readonly foreign?: ForeignOptions;
  readonly split?: GivenSplit | undefined;
  readonly seed?: number;
  readonly useCache?: boolean;
}

/** Throws unless a port can be asked for. */
export function ensurePort(port: number | undefined): void {
  ensure(
    port === undefined || (port >= 1 && port <= 65_535),
    "usage",
    () => `--port: must be from 1 to 65535, got ${port}; without it any free one is taken`,
  );
}

/** Serves a page until it is asked to end; prints its address, and opens it where a person sits at a screen. */
export async function servePage(
  { kind, title, references, foreign = {}, split, seed = 0, useCache = true }: ServedRuns,
  { port, open, noOpen }: ServerOptions,
): Promise<void> {
  ensurePort(port);
  ensure(!(open && noOpen), "usage", () => "--open and --no-open exclude each other");
  const [{ servedPage }, { serveLocal }, { openBrowser, withoutDisplay }] = await Promise.all([
    import("../serve/page.ts"),
    import("../serve/server.ts"),
    import("../serve/open-browser.ts"),
  ]);
  const page = await servedPage(kind, title);
  const asked = new Promise<void>((resolve) => {
    onStopSignal(resolve);
  });
  const server = await serveLocal({ page, port, references, foreign, split, seed, useCache });
  print(server.address);
  const blind = withoutDisplay(process.platform, process.env);
  const wanted = !noOpen && (open || process.stderr.isTTY === true);
  if (wanted && blind === undefined)
    openBrowser(server.address, (reason) => note(`no browser was opened (${reason}); open the address above`));
  note(
    `${wanted && blind !== undefined ? `no browser is opened, ${blind}; ` : ""}serving ${references.length} ${references.length === 1 ? "run" : "runs"} on this machine alone; Ctrl-C ends it`,
  );
  await asked;
  note("closing");
  await server.close();
}
