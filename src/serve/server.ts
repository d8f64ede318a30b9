import { setMaxListeners } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { totalmem } from "node:os";
import { getRequestListener } from "@hono/node-server";
import type { Reference } from "../api/references.ts";
import { MiiiiError } from "../core/index.ts";
import { makeToken } from "./access.ts";
import { serveApp } from "./app.ts";
import { ComputeProcess, type ComputeSetup } from "./compute-process.ts";
import { Follower } from "./follower.ts";
import { Jobs } from "./jobs.ts";
import type { ServedPage } from "./page.ts";

/** What is served, and where. */
export interface ServeOptions extends ComputeSetup {
  readonly page: ServedPage;
  /** Any free one where left out. */
  readonly port?: number | undefined;
}

/** A server that listens. */
export interface LocalServer {
  /** The whole address of the page, token included. */
  readonly address: string;
  /** Ends streams and computations, and stops listening; resolves when nothing is open any more. */
  close(): Promise<void>;
}

/** A computation's share of this machine: ten minutes and half of the memory. */
const LIMITS = { seconds: 600, bytes: Math.max(2e9, totalmem() / 2) };

/** Connections at a time: a browser holds at most six. */
const MOST_CONNECTIONS = 128;

/** Listens on this machine alone. */
function listen(server: Server, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why =
        error.code === "EADDRINUSE"
          ? "must be free, is taken by another program; without --port any free one is taken"
          : error.code === "EACCES"
            ? "must be one that this user may listen on; without --port any free one is taken"
            : `cannot be listened on: ${error.message}`;
      reject(new MiiiiError("io", `port ${port}: ${why}`, { cause: error }));
    });
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => resolve(server.address() as AddressInfo));
  });
}

function followersOf(references: readonly Reference[]): (Follower | undefined)[] {
  return references.map(({ kind, path }) => (kind === "run" ? new Follower(path) : undefined));
}

/**
 * Serves the page of some runs on 127.0.0.1, under a token that is made anew.
 *
 * @throws kind `io` where the port cannot be had.
 */
export async function serveLocal({ page, port = 0, ...setup }: ServeOptions): Promise<LocalServer> {
  const token = makeToken();
  const closing = new AbortController();
  // Every open request listens: of eleven viewers Node would warn on the terminal.
  setMaxListeners(0, closing.signal);
  const jobs = new Jobs(new ComputeProcess(setup, LIMITS));
  const followers = followersOf(setup.references);
  const app = serveApp({ token, page, references: setup.references, jobs, followers, closing: closing.signal });
  const server = createServer({ maxHeaderSize: 16 * 1024 }, getRequestListener(app.fetch, { overrideGlobalObjects: false }));
  server.maxConnections = MOST_CONNECTIONS;
  const { port: bound } = await listen(server, port);
  return {
    address: `http://127.0.0.1:${bound}/${token}/`,
    close: () => {
      closing.abort();
      jobs.close();
      for (const follower of followers) follower?.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}
