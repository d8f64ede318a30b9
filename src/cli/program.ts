import yargs, { type Argv } from "yargs";
import { VERSION } from "../api/version.ts";
import { MiiiiError } from "../core/index.ts";
import { unknownName } from "../core/nearest.ts";
import type { Command, GlobalOptions } from "./command.ts";
import { COMMANDS_ELSEWHERE, NOT_HERE, OPTIONS_ELSEWHERE } from "./elsewhere.ts";

/** Arguments that may be given several times. */
const LISTS: readonly string[] = ["_", "checkpoints", "ignore", "runs"];

/** Every command; each one's module is loaded when it is chosen. */
const COMMANDS: readonly Command[] = [
  {
    usage: "train",
    description: "train a model and keep its checkpoints and metrics",
    load: () => import("./commands/train.ts"),
  },
  {
    usage: "sweep <action> <sweep>",
    description: "search settings on one machine or many, with Optuna",
    load: () => import("./commands/sweep.ts"),
  },
  {
    usage: "analyze <analysis> [checkpoints..]",
    description: "run one analysis, or all, on one checkpoint or several",
    load: () => import("./commands/analyze.ts"),
  },
  {
    usage: "report [checkpoints..]",
    description: "run every analysis and write one HTML page",
    load: () => import("./commands/report.ts"),
  },
  {
    usage: "explore [checkpoints..]",
    description: "look into runs on a page of this machine: any checkpoint, neuron, ablation, patch or analysis",
    load: () => import("./commands/explore.ts"),
  },
  {
    usage: "watch <run>",
    description: "follow a run on such a page while it trains",
    load: () => import("./commands/watch.ts"),
  },
  {
    usage: "inspect <checkpoint>",
    description: "show what a checkpoint holds and how well it does",
    load: () => import("./commands/inspect.ts"),
  },
  {
    usage: "list [folder]",
    description: "list shipped runs, runs of a folder and presets, with a line each",
    load: () => import("./commands/list.ts"),
  },
  {
    usage: "metrics [runs..]",
    description: "print what runs logged, as CSV or JSON, or write it as Parquet",
    load: () => import("./commands/metrics.ts"),
  },
  {
    usage: "runtimes",
    description: "show what this machine can train on, and why not on the rest",
    load: () => import("./commands/runtimes.ts"),
  },
  {
    usage: "import <file> [out]",
    description: "turn a PyTorch, NumPy or safetensors model into a checkpoint",
    load: () => import("./commands/import.ts"),
  },
  {
    usage: "export <checkpoint> <out>",
    description: "write a checkpoint as .safetensors, .npz or .onnx",
    load: () => import("./commands/export.ts"),
  },
  {
    usage: "construct",
    description: "write a model by hand that computes its task exactly",
    load: () => import("./commands/construct.ts"),
  },
  {
    usage: "cache [action]",
    description: "show or clear the results that analyze and report keep",
    load: () => import("./commands/cache.ts"),
  },
  {
    usage: "completion [shell]",
    description: "print the script that completes commands and options in bash, zsh or fish",
    load: () => import("./commands/completion.ts"),
  },
];

/** The commands' names. */
export const COMMAND_NAMES: readonly string[] = COMMANDS.map(nameOf);

function nameOf(command: Command): string {
  return command.usage.split(" ", 1)[0] as string;
}

/** The dashed names of the options that a parser knows; it keeps each in camel case too. */
function optionNames(parser: Argv<GlobalOptions>): string[] {
  const { key } = (parser as unknown as { getOptions(): { key: Readonly<Record<string, unknown>> } }).getOptions();
  return Object.keys(key).filter((name) => name === name.toLowerCase());
}

/** The options of a command, dashes included. */
export async function optionsOf(name: string, args: readonly string[]): Promise<string[]> {
  const command = COMMANDS.find((candidate) => nameOf(candidate) === name);
  if (command === undefined) return [];
  const parser = yargs([]).option("debug", { type: "boolean", default: false }).option("help", { type: "boolean" });
  return optionNames((await (await command.load()).options(parser, args)) ?? parser).map((option) => `--${option}`);
}

function unknownOption(typed: string, names: readonly string[]): MiiiiError {
  const dashes = typed.length === 1 ? "-" : "--";
  const meant = OPTIONS_ELSEWHERE[typed];
  if (meant !== undefined && names.includes(meant))
    return new MiiiiError("usage", `unknown option "${dashes}${typed}"; did you mean --${meant}?`);
  const absent = NOT_HERE[typed];
  if (absent !== undefined) return new MiiiiError("usage", `unknown option "${dashes}${typed}": ${absent}`);
  return typed.length === 1
    ? new MiiiiError("usage", `unknown option "-${typed}"; see miiii --help`)
    : unknownName("option", typed, names, "--");
}

/** What the parser found wrong, in this program's words: which argument, what must hold, the nearest that exists. */
function usageError(parser: Argv<GlobalOptions>, args: readonly string[], message: string): MiiiiError {
  const found = (pattern: RegExp) => pattern.exec(message)?.slice(1) as [string, string, string] | undefined;
  const unknown = found(/^Unknown arguments?: ([^,]+)/)?.[0];
  if (unknown !== undefined) {
    const isOption = args.some((arg) => arg.startsWith("-") && arg.replace(/^--?/, "").split("=")[0] === unknown);
    if (!isOption) return new MiiiiError("usage", `unexpected argument "${unknown}"`);
    return unknownOption(unknown, optionNames(parser));
  }
  const choice = found(/Argument: ([^,]+), Given: "(.*)", Choices: (.*)/);
  if (choice !== undefined) return unknownName(`--${choice[0]}`, choice[1], choice[2].replaceAll('"', "").split(", "));
  const bare = found(/^Not enough arguments following: (.*)/)?.[0];
  if (bare !== undefined) return new MiiiiError("usage", `--${bare}: a value must follow`);
  if (/^Not enough non-option arguments/.test(message)) {
    return new MiiiiError("usage", `${args[0]}: an argument is missing; see miiii ${args[0]} --help`);
  }
  const lacking = found(/^Missing required argument: (.*)/)?.[0];
  if (lacking !== undefined)
    return new MiiiiError("usage", `${args[0]}: --${lacking} must be given; see miiii ${args[0]} --help`);
  return new MiiiiError("usage", message.replace(/\s*\n\s*/g, " "));
}

/** The parser takes any word after `--flag=` that is not "true" for no. */
function ensureBooleans(parser: Argv<GlobalOptions>, args: readonly string[]): void {
  const { boolean } = (parser as unknown as { getOptions(): { boolean: readonly string[] } }).getOptions();
  for (const arg of args.slice(0, args.includes("--") ? args.indexOf("--") : undefined)) {
    const [, name = "", value] = /^--([^=]+)=(.*)$/s.exec(arg) ?? [];
    if (boolean.includes(name) && value !== "true" && value !== "false")
      throw new MiiiiError("usage", `--${name}: must be true or false, got ${JSON.stringify(value)}`);
  }
}

/** Parses `args` (the words after `miiii`) and runs the command they name; throws what the command throws. */
export async function runProgram(args: readonly string[]): Promise<void> {
  const first = args[0];
  if (first === undefined)
    throw new MiiiiError("usage", `a command must be given: ${COMMAND_NAMES.join(", ")}; see miiii --help`);
  if (!first.startsWith("-") && !COMMAND_NAMES.includes(first)) {
    const meant = COMMANDS_ELSEWHERE[first.toLowerCase()];
    throw meant === undefined
      ? unknownName("command", first, COMMAND_NAMES)
      : new MiiiiError("usage", `unknown command "${first}"; did you mean miiii ${meant}?`);
  }

  const parser: Argv<GlobalOptions> = yargs([...args])
    .scriptName("miiii")
    .locale("en")
    .usage("$0 <command>\n\nTrain transformers on modular arithmetic until they grok it, and see what they learned.")
    .parserConfiguration({
      "boolean-negation": false,
      "greedy-arrays": false,
      "dot-notation": false,
    })
    .option("debug", { type: "boolean", default: false, description: "show the stack of an error" })
    .version(VERSION)
    .help("help")
    .alias("h", "help")
    .strict()
    .exitProcess(false)
    .wrap(Math.min(120, process.stdout.columns ?? 100))
    .fail((message: string | null, error: Error | undefined) => {
      throw error ?? usageError(parser, args, message ?? "");
    })
    .epilogue(
      "A checkpoint is a file, a run directory or the name of a shipped run, with or without a label: paper=runs/miiii.\n" +
        "Results go to stdout, progress to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.",
    );
  for (const { usage, description, load } of COMMANDS) {
    parser.command(
      usage,
      description,
      async (y) => (await load()).options(y as Argv<GlobalOptions>, args),
      async (argv) => {
        ensureBooleans(parser, args);
        for (const [name, value] of Object.entries(argv)) {
          if (value === "" || (Array.isArray(value) && value.includes(""))) {
            const option = args.some((arg) => arg === `--${name}` || arg === `--${name}=`);
            throw new MiiiiError("usage", `${option ? "--" : ""}${name}: must not be empty`);
          }
          if (Array.isArray(value) && !LISTS.includes(name)) {
            throw new MiiiiError("usage", `--${name}: must be given once, got ${value.join(" and ")}`);
          }
        }
        await (await load()).run(argv as never);
      },
    );
  }
  try {
    await parser.parseAsync();
  } catch (error) {
    // The parser's own complaints, which it throws where it does not report them.
    throw error instanceof Error && error.name === "YError" ? usageError(parser, args, error.message) : error;
  }
}
