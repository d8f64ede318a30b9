import { MAX_MESSAGE, printable, printableLines, shortened } from "../core/index.ts";

/** Writes a result to stdout; what a terminal would obey, from whichever file, is escaped. */
export function print(text: string): void {
  const safe = printableLines(text);
  process.stdout.write(safe.endsWith("\n") ? safe : `${safe}\n`);
}

/** Tells the user something on stderr, in one printable line. */
export function note(text: string): void {
  process.stderr.write(`miiii: ${shortened(printable(text), MAX_MESSAGE)}\n`);
}
