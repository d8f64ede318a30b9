import type { ArgumentsCamelCase, Argv } from "yargs";

/** What every command takes. */
export interface GlobalOptions {
  readonly debug: boolean;
}

/** The parsed arguments of a command whose options are declared by `declare`. */
export type ArgumentsOf<Declare extends (parser: Argv<GlobalOptions>, args: readonly string[]) => unknown> =
  Awaited<ReturnType<Declare>> extends Argv<infer Options> ? ArgumentsCamelCase<Options> : never;

/** A command's module: its options, and what it does. Loaded only when the command is chosen. */
export interface CommandModule {
  /** Declares positionals and options; `args` are all words typed after `miiii`. */
  options(parser: Argv<GlobalOptions>, args: readonly string[]): Argv<GlobalOptions> | Promise<Argv<GlobalOptions>>;
  run(argv: never): Promise<void>;
}

/** A command as the top-level help lists it. */
export interface Command {
  readonly usage: string;
  readonly description: string;
  readonly load: () => Promise<CommandModule>;
}
