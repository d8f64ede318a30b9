/** Writes a result to stdout. */
export function print(text: string): void {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

/** Tells the user something on stderr. */
export function note(text: string): void {
  process.stderr.write(`miiii: ${text}\n`);
}
