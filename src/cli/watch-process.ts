import { type ChildProcess, fork } from "node:child_process";
import { extname } from "node:path";
import { note } from "./output.ts";

/** The page beside a training run. */
export interface WatchProcess {
  /** Serves the run in this folder. */
  start(path: string): void;
  /** Resolves when the page is served no more; says how to end it where it is. */
  ended(): Promise<void>;
}

const PROGRAM = new URL(`./main${extname(import.meta.url)}`, import.meta.url);

/** What a child process is not reached by where it is sent to this one alone; Ctrl-C in a terminal reaches both. */
const PASSED = ["SIGTERM", "SIGHUP"] as const;

/**
 * `miiii watch` in a process of its own: training and page do not wait for each other, and the page goes on when training has
 * ended.
 */
export function watchRun(): WatchProcess {
  let child: ChildProcess | undefined;
  let gone: Promise<void> = Promise.resolve();
  const stop = () => child?.kill("SIGTERM");
  return {
    start(path) {
      // Its address goes to stderr: stdout is for the run's folder.
      const started = fork(PROGRAM, ["watch", path], { stdio: ["ignore", 2, 2, "ipc"] });
      started.unref();
      started.channel?.unref();
      child = started;
      gone = new Promise((resolve) => {
        started.once("error", ({ message }) => {
          note(`the page could not be served: ${message}`);
          resolve();
        });
        started.once("exit", () => {
          child = undefined;
          resolve();
        });
      });
      process.once("exit", stop);
      for (const signal of PASSED) process.once(signal, stop);
    },
    async ended() {
      if (child === undefined) return;
      note("training has ended; its page is served until Ctrl-C");
      child.ref();
      const interrupted = () => undefined;
      // The page's process hears it as well, and ends; this one then ends as one that is done.
      process.on("SIGINT", interrupted);
      await gone;
      process.off("SIGINT", interrupted);
    },
  };
}
