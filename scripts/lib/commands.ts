import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "./timing.ts";

/** What a command took. */
export interface Taken {
  readonly seconds: number;
  /** Of all its threads. */
  readonly processorSeconds: number;
  /** From the start until the file that it writes was there. */
  readonly firstPage: number | undefined;
  readonly peakMb: number;
}

const MAIN = new URL("../../dist/cli/main.js", import.meta.url).pathname;

/** The kernel's own high-water mark of memory, and the processor's time, of a process as it ends. */
const LAST_WORDS =
  "import{readFileSync}from'node:fs';process.on('exit',()=>{const{user,system}=process.cpuUsage();" +
  "console.error('\\nbench',/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status','utf8'))?.[1],(user+system)/1e6)})";

/** Runs a built command once, with its own folder of kept results; `page` is the file whose first appearance is noted. */
export function takeCommand(args: readonly string[], cache: string, page?: string): Promise<Taken> {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    let firstPage: number | undefined;
    let words = "";
    const hook = `data:text/javascript,${encodeURIComponent(LAST_WORDS)}`;
    const child = spawn(process.execPath, ["--import", hook, MAIN, ...args], {
      env: { ...process.env, MIIII_CACHE: cache },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const watch = setInterval(() => {
      if (page !== undefined && firstPage === undefined && existsSync(page)) firstPage = (performance.now() - begun) / 1000;
    }, 20);
    child.stderr.on("data", (data: Buffer) => {
      words += data.toString();
    });
    child.on("error", reject);
    child.on("close", (code) => {
      clearInterval(watch);
      const seconds = (performance.now() - begun) / 1000;
      const [, peak, processor] = /bench (\d+) ([\d.]+)/.exec(words) ?? [];
      if (code !== 0) reject(new Error(`miiii ${args.join(" ")}: ${words.trim().split("\n").at(-2) ?? "failed"}`));
      else resolve({ seconds, processorSeconds: Number(processor), firstPage, peakMb: Number(peak ?? 0) / 1024 });
    });
  });
}

/** A command as the table shows it. */
export interface CommandBench {
  readonly name: string;
  readonly args: readonly string[];
  /** Whether results are kept from a run before; every other has an empty folder, and what is shipped. */
  readonly warm?: boolean;
  /** Whether it writes a page. */
  readonly page?: boolean;
  /** What is aimed at, on two quiet cores. */
  readonly aim?: string;
}

/** Takes neither kept nor shipped results. */
const ANEW = "--no-cache";

/** Analyses of one model that look at it once, without patches and ablations. */
const ONCE = "positional,svd,fourier,fft,primes,neurons,attention,mechanism,algorithm";

/** The commands whose times this project states. */
export const COMMANDS: readonly CommandBench[] = [
  { name: "`miiii report` (four runs), on a fresh clone", args: ["report"], page: true, aim: "≤ 8 s" },
  { name: "the same again", args: ["report"], page: true, warm: true, aim: "≤ 4 s" },
  {
    name: "`miiii report --no-cache` (four runs)",
    args: ["report", ANEW],
    page: true,
    aim: "≤ 20 s, ≤ 1.5 GB, first page ≤ 8 s",
  },
  { name: "`miiii report miiii-fast --no-cache`", args: ["report", "miiii-fast", ANEW], page: true, aim: "≤ 8 s" },
  { name: "`miiii report nanda --no-cache`", args: ["report", "nanda", ANEW], page: true, aim: "≤ 8 s" },
  { name: "`miiii report --all --no-cache`", args: ["report", "--all", ANEW], page: true, aim: "≤ 45 s" },
  { name: `\`miiii analyze ${ONCE} miiii-fast --no-cache\``, args: ["analyze", ONCE, "miiii-fast", ANEW], aim: "< 8 s" },
  {
    name: "`miiii analyze patch,circuits miiii-fast --no-cache`",
    args: ["analyze", "patch,circuits", "miiii-fast", ANEW],
    aim: "< 30 s",
  },
  { name: "`miiii analyze positional nanda`", args: ["analyze", "positional", "nanda"] },
  { name: "`miiii --help`", args: ["--help"] },
];

/** Measures one of the commands, the median of `rounds` runs; peaks are the largest. */
export async function measureCommand({ args, page, warm }: CommandBench, rounds: number): Promise<Taken> {
  const folder = mkdtempSync(join(tmpdir(), "miiii-bench-"));
  const taken: Taken[] = [];
  try {
    for (let round = warm === true ? -1 : 0; round < rounds; round++) {
      const file = page === true ? join(folder, `${round}.html`) : undefined;
      const out = file === undefined ? [] : ["--out", file];
      const cache = join(folder, warm === true ? "cache" : `cache-${round}`);
      const one = await takeCommand([...args, ...out], cache, file);
      if (round >= 0) taken.push(one);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const pages = taken.flatMap(({ firstPage }) => firstPage ?? []);
  return {
    seconds: median(taken.map(({ seconds }) => seconds)),
    processorSeconds: median(taken.map(({ processorSeconds }) => processorSeconds)),
    firstPage: pages.length === 0 ? undefined : median(pages),
    peakMb: Math.max(...taken.map(({ peakMb }) => peakMb)),
  };
}

/** The first two lines of the table, in Markdown. */
export const TABLE_HEAD = [
  "| command | seconds | processor seconds | first page, s | peak MB | aim |",
  "|---|---|---|---|---|---|",
] as const;

/**
 * The table's row of each command whose name holds `only`, in Markdown, as it is measured; one that fails has a row without
 * numbers.
 */
export async function measureRows(
  rounds: number,
  only: string | undefined,
  onRow: (row: string, failure?: string) => void,
): Promise<void> {
  for (const bench of COMMANDS.filter(({ name }) => only === undefined || name.includes(only))) {
    const { name, aim = "" } = bench;
    try {
      const { seconds, processorSeconds, firstPage, peakMb } = await measureCommand(bench, rounds);
      const numbers = [seconds.toFixed(1), processorSeconds.toFixed(1), firstPage?.toFixed(1) ?? "", peakMb.toFixed(0)];
      onRow(`| ${[name, ...numbers, aim].join(" | ")} |`);
    } catch (error) {
      onRow(`| ${[name, "failed", "", "", "", aim].join(" | ")} |`, error instanceof Error ? error.message : String(error));
    }
  }
}

/** Where a page has the table. */
export const TABLE_MARK = "<!-- commands: npm run bench -- --only commands --write -->";

const TABLE = /^\s*([^\n|]+):\n\n((?:\|[^\n]*\n)+)\s*/;

const commandOf = (row: string) => row.split(" | ")[0] ?? "";

/**
 * A page with a row put into its table, in the order of the commands: rows of other commands stay where they are of the same
 * machine, and go where they are of another.
 */
export function withRow(page: string, machine: string, row: string): string {
  const [before, after] = page.split(TABLE_MARK);
  if (before === undefined || after === undefined) throw new Error(`bench: the page must hold the line ${TABLE_MARK}`);
  const [whole = "", of, lines = ""] = TABLE.exec(after) ?? [];
  const kept = of === machine ? lines.trimEnd().split("\n").slice(TABLE_HEAD.length) : [];
  const rows = new Map([...kept, row].map((line) => [commandOf(line), line]));
  const ordered = COMMANDS.flatMap(({ name }) => rows.get(`| ${name}`) ?? []);
  const rest = after.slice(whole.length).trimStart();
  return `${before}${TABLE_MARK}\n\n${machine}:\n\n${[...TABLE_HEAD, ...ordered].join("\n")}\n\n${rest}`;
}
