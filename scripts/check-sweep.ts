/**
 * `npm run check:sweep`: a sweep over PostgreSQL with four workers, one of which is killed, one stopped until another takes its
 * trial up and continued, while the database is restarted once. Every trial must end, and once. Needs PostgreSQL's server
 * programs and Python with its venv module; says so and ends well where they are missing. All of it lives in a temporary folder,
 * and the server on the loopback.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readHistory, readMetrics } from "../src/checkpoint/index.ts";
import { messageOf } from "../src/core/index.ts";
import { optunaPython } from "../src/sweep/environment.ts";
import type { SweepView } from "../src/sweep/view.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const TRIALS = 12;
const EPOCHS = 100;
const HEARTBEAT = 2;
const LIMIT_MS = 8 * 60_000;

const say = (text: string) => process.stdout.write(`${text}\n`);

function postgresFolder(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => join(debian, version, "bin")), ...(process.env.PATH ?? "").split(":")];
  return folders.find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "pg_ctl")));
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

/** A PostgreSQL server of its own; as root it runs as the user `postgres`, since it refuses root. */
class Postgres {
  readonly #bin: string;
  readonly #home: string;
  readonly #port: number;

  constructor(bin: string, home: string, port: number) {
    this.#bin = bin;
    this.#home = home;
    this.#port = port;
  }

  #call(program: string, words: readonly string[]): void {
    const command = [join(this.#bin, program), ...words];
    const whole = process.getuid?.() === 0 ? ["runuser", "-u", "postgres", "--", ...command] : command;
    const [first = "", ...rest] = whole;
    const { status, stderr, error } = spawnSync(first, rest, {
      encoding: "utf8",
      stdio: ["ignore", "ignore", "pipe"],
      cwd: this.#home,
    });
    if (status !== 0) throw new Error(`${program}: ${error?.message ?? stderr.trim()}`);
  }

  start(): void {
    if (process.getuid?.() === 0) spawnSync("chown", ["postgres", this.#home]);
    this.#call("initdb", ["-D", join(this.#home, "data"), "-A", "trust", "-U", "sweep", "-E", "UTF8", "--no-sync"]);
    this.#call("pg_ctl", [...this.#control(), "start"]);
  }

  #control(): string[] {
    const settings = `-p ${this.#port} -k ${this.#home} -c listen_addresses=127.0.0.1`;
    return ["-D", join(this.#home, "data"), "-w", "-l", join(this.#home, "log"), "-o", settings];
  }

  restart(): void {
    this.#call("pg_ctl", [...this.#control(), "-m", "fast", "restart"]);
  }

  stop(): void {
    this.#call("pg_ctl", ["-D", join(this.#home, "data"), "-m", "immediate", "stop"]);
  }

  get address(): string {
    return `postgresql://sweep@127.0.0.1:${this.#port}/postgres`;
  }
}

/** A worker in a process group of its own, so that what is done to it is done to all of its processes. */
class Worker {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  lines: string[] = [];

  constructor(name: string, words: readonly string[], cwd: string) {
    this.name = name;
    const loader = join(root, "node_modules/tsx/dist/esm/index.mjs");
    const program = [...["--import", loader], join(root, "src/cli/main.ts"), "sweep", ...words];
    this.#child = spawn(process.execPath, program, { cwd, detached: true, stdio: ["ignore", "ignore", "pipe"] });
    let rest = "";
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.lines.push(...lines);
    });
    this.#ended = new Promise((resolve) => this.#child.on("exit", (code) => resolve(code)));
  }

  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    process.kill(-(this.#child.pid as number), signal);
  }

  says(pattern: RegExp): Promise<string> {
    return someSays([this], pattern);
  }

  end(): Promise<number | null> {
    return this.#ended;
  }
}

/** Waits until one of the workers has said a line; gives it. */
async function someSays(workers: readonly Worker[], pattern: RegExp): Promise<string> {
  for (const until = Date.now() + LIMIT_MS; Date.now() < until; await sleep(20)) {
    const line = workers.flatMap(({ lines }) => lines).find((text) => pattern.test(text));
    if (line !== undefined) return line;
  }
  throw new Error(
    `${workers.map(({ name }) => name)}: never said ${pattern}; last: ${workers.map(({ lines }) => lines.at(-1)).join(" | ")}`,
  );
}

const matching = (workers: readonly Worker[], pattern: RegExp) =>
  workers.flatMap(({ lines }) => lines.flatMap((line) => pattern.exec(line)?.[1] ?? []));

function check(condition: boolean, message: string): void {
  say(`${condition ? "ok" : "FAILED"}: ${message}`);
  if (!condition) process.exitCode = 1;
}

/** What the runs themselves say: every epoch logged once, and the last reached. */
function checkRuns(folder: string, view: SweepView): void {
  const faults = view.trials.flatMap(({ number, folder: trial }) => {
    const path = join(folder, trial, "seed-0");
    const { rows, warnings } = readMetrics({ path });
    const ends = readHistory({ path }).rows.filter(({ epoch }) => epoch === EPOCHS).length;
    return rows.at(-1)?.epoch === EPOCHS && warnings.length === 0 && ends === 1 ? [] : [number];
  });
  check(
    faults.length === 0,
    `every run reached its last epoch once, its epochs ascending${faults.length === 0 ? "" : `; not ${faults}`}`,
  );
}

async function sweep(server: Postgres, home: string): Promise<void> {
  const folder = join(home, "sweep");
  writeFileSync(
    join(home, "spec.yaml"),
    [
      "study: check",
      "base: { preset: miiii, set: { p: 11, d_model: 16, n_heads: 2, d_mlp: 32, train_fraction: 0.6 } }",
      "space: { lr: { low: 0.001, high: 0.01, log: true }, grokfast_lambda: [0, 0.5, 2] }",
      "seeds: [0]",
      `budget: { trials: ${TRIALS}, epochs: ${EPOCHS} }`,
      `heartbeat: ${HEARTBEAT}`,
    ].join("\n"),
  );
  const storage = ["--storage", server.address];
  const one = ["--jobs", "1", "--threads", "1"];
  const first = new Worker("worker 1", ["run", "spec.yaml", "--out", folder, ...storage, ...one], home);
  const workers = [first];
  try {
    await first.says(/at once/);
    for (const i of [2, 3, 4]) workers.push(new Worker(`worker ${i}`, ["work", folder, ...storage, ...one], home));
    const [, killed, stopped] = workers as [Worker, Worker, Worker, Worker];
    const killing = killed.says(/begun|resumed/).then((line) => {
      killed.signal("SIGKILL");
      say(`killed worker 2 at: ${line}`);
    });
    const stopping = stopped.says(/begun|resumed/).then(async (line) => {
      stopped.signal("SIGSTOP");
      say(`stopped worker 3 at: ${line}`);
      const number = /^trial (\d+)/.exec(line)?.[1];
      const others = workers.filter((worker) => worker !== stopped);
      say(`taken up: ${await someSays(others, new RegExp(`^trial ${number}: resumed`))}`);
      await sleep(1000);
      stopped.signal("SIGCONT");
      say("continued worker 3");
    });
    await Promise.all([killing, first.says(/: complete/)]);
    server.restart();
    say("restarted the database");
    await stopping;
    const codes = await Promise.all(workers.filter((worker) => worker !== killed).map((worker) => worker.end()));
    check(
      codes.every((code) => code === 0),
      `the other three workers ended well (exit codes ${codes})`,
    );
  } finally {
    for (const worker of workers) {
      try {
        worker.signal("SIGKILL");
      } catch {
        // It has ended.
      }
    }
  }
  const loader = join(root, "node_modules/tsx/dist/esm/index.mjs");
  const words = ["--import", loader, join(root, "src/cli/main.ts"), "sweep", "show", folder, "--json"];
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (stdout === "") throw new Error(stderr);
  const view = JSON.parse(stdout) as SweepView;
  const complete = view.trials.filter(({ state }) => state === "complete").length;
  check(
    view.trials.length === TRIALS && complete === TRIALS,
    `${complete} of ${TRIALS} trials complete, ${view.trials.length} rows`,
  );
  const told = matching(workers, /^trial (\d+): complete/);
  check(new Set(told).size === told.length, `no trial was completed twice (${told.length} completions seen)`);
  checkRuns(folder, view);
  const resumed = matching(workers, /^trial (\d+): resumed/);
  const lost = matching(workers, /^trial (\d+): taken up by another/);
  check(
    resumed.length >= 1,
    `trials taken up from other workers: ${resumed.join(", ") || "none"}; given up by their workers: ${lost.join(", ") || "none"}`,
  );
  say(`notes on the database: ${workers.flatMap(({ lines }) => lines.filter((line) => line.includes("trying again"))).length}`);
}

const bin = postgresFolder();
const python = await optunaPython(say).catch((error: unknown) => messageOf(error));
if (bin === undefined) say("check:sweep skipped: PostgreSQL's initdb and pg_ctl are not installed");
else if (!existsSync(python)) say(`check:sweep skipped: ${python}`);
else {
  const home = mkdtempSync(join(tmpdir(), "miiii-sweep-"));
  // The server runs as another user, who must reach its folder.
  chmodSync(home, 0o755);
  const database = join(home, "postgres");
  mkdirSync(database);
  const server = new Postgres(bin, database, await freePort());
  try {
    server.start();
    try {
      await sweep(server, home);
    } finally {
      server.stop();
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
