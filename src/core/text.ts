/** Characters that move a terminal's cursor, color or clear it, break a line, or turn the reading direction. */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be printed.
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udc7f]/g;

const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** No message is longer, whatever a file holds. */
export const MAX_MESSAGE = 300;

/**
 * Text that is safe to print, whichever file or argument it comes from: control characters (C0, C1), bidirectional and invisible
 * marks, line separators and unpaired surrogates as escapes (`\x1b`, `\u202e`). A line feed becomes `\n`, so that one message
 * stays one line.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, (found) => {
    const named = NAMED[found];
    if (named !== undefined) return named;
    if (found < " ") return `\\x${found.charCodeAt(0).toString(16).padStart(2, "0")}`;
    // In JSON text, which holds no raw C0, these are the same string still.
    return found
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join("");
  });
}

/** {@link printable} line by line: for text of several lines that this project lays out itself, such as tables. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

/** Text cut in its middle, so that both where and what to do stay: at most `length` characters. */
export function shortened(text: string, length: number): string {
  if (text.length <= length) return text;
  const end = Math.floor((length - 1) / 3);
  const cut = `${text.slice(0, length - 1 - end)}…${text.slice(text.length - end)}`;
  // A surrogate pair may have been cut in two.
  return cut.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "…");
}

/** A name out of a file for a message: printable, in quotes, overlong ones cut. */
export function quoted(name: string): string {
  // Quotes and backslashes as JSON has them, so that where the name ends is never in doubt.
  const inner = shortened(name, 100).replace(/["\\]/g, "\\$&");
  return `"${printable(inner)}"`;
}
