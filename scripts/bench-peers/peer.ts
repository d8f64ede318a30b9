import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Json } from "../../src/core/index.ts";
import { lastLines } from "../lib/python.ts";

const HERE = fileURLToPath(new URL("py/", import.meta.url));

/** What runs the same training step and can be timed. */
export interface Competitor {
  readonly name: string;
  /** Arithmetic in its matrix products. */
  readonly precision: Precision;
  /** Trains from the start without dropout: the loss of each epoch and head. The first call compiles. */
  losses(epochs: number): Promise<number[][]>;
  /** Seconds from nothing to the first epochs, compilation included. */
  startSeconds(): number;
  /** Goes on with dropout; seconds until the device is done. */
  block(epochs: number): Promise<number>;
  close(): Promise<void>;
}

/** `highest` is float32 throughout; `tf32` rounds the factors to ten bits of mantissa on GPUs that can. */
export type Precision = "highest" | "tf32";

/** How a framework runs the step. */
export interface Variant {
  readonly script: "torch_peer" | "jax_peer";
  readonly variant: "eager" | "compile" | "graph" | "step" | "scan";
  /** Whether all three positions go through attention and MLP, or only the last has a query. */
  readonly positions: "all" | "last";
  readonly precision: Precision;
}

const HOW: Readonly<Record<Variant["variant"], string>> = {
  eager: "PyTorch, eager",
  compile: "PyTorch, torch.compile",
  graph: "PyTorch, torch.compile + CUDA graph",
  step: "JAX, jit",
  scan: "JAX, jit + scan",
};

/** What to call it in the table. */
export function nameOf({ variant, positions, precision }: Variant): string {
  return `${HOW[variant]}${positions === "last" ? ", last position" : ""}${precision === "tf32" ? ", TF32" : ""}`;
}

/** What a Python process says of itself. */
export interface Description {
  readonly version: string;
  readonly device: string;
  readonly cuda: boolean;
}

/** A process that answers a line with a line. */
class Conversation {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #said = "";

  constructor(python: string, script: string, cache: string) {
    this.#child = spawn(python, [join(HERE, `${script}.py`)], {
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        ...{ ...process.env, PYTHONDONTWRITEBYTECODE: "1", PYTHONWARNINGS: "ignore" },
        // Compiled anew: a cache would hide what compiling takes, and one that a killed process left may be broken.
        ...{ TORCHINDUCTOR_CACHE_DIR: join(cache, "inductor"), TRITON_CACHE_DIR: join(cache, "triton") },
      },
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#said = (this.#said + text).slice(-4000);
    });
    this.#child.stdin?.on("error", () => {}); // a process that died is noticed by its missing answer
    if (this.#child.stdout === null) throw new Error(`${script}: no output to read`);
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async ask<T>(request: Json): Promise<T> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(lastLines(this.#said, 2) || "ended without an answer");
    return JSON.parse(value) as T;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.stdin?.end();
    const late = setTimeout(() => this.#child.kill(), 10_000);
    await ended;
    clearTimeout(late);
  }
}

/**
 * Starts a framework's process.
 *
 * @param cache - a folder of its own for what it compiles.
 * @param question - what `serve` in `py/protocol.py` reads first.
 */
export async function startPeer(
  python: string,
  variant: Variant,
  cache: string,
  question: { readonly [name: string]: Json },
): Promise<{ competitor: Competitor; description: Description }> {
  const conversation = new Conversation(python, variant.script, cache);
  let started = Number.NaN;
  try {
    const description = await conversation.ask<Description>({ ...question, ...variant });
    const competitor: Competitor = {
      name: nameOf(variant),
      precision: variant.precision,
      async losses(epochs) {
        const answer = await conversation.ask<{ losses: number[][]; seconds: number }>({ op: "losses", epochs });
        if (Number.isNaN(started)) started = answer.seconds;
        return answer.losses;
      },
      startSeconds: () => started,
      block: async (epochs) => (await conversation.ask<{ seconds: number }>({ op: "block", epochs })).seconds,
      close: () => conversation.close(),
    };
    return { competitor, description };
  } catch (error) {
    await conversation.close();
    throw error;
  }
}
