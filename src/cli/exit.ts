import { type ErrorCode, MAX_MESSAGE, MiiiiError, messageOf, printable, shortened } from "../core/index.ts";

/** What the process exits with. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Thrown where the user stopped a command that has saved what it had. */
export class Interrupted extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Interrupted";
  }
}

function codeOf(code: ErrorCode): number {
  switch (code) {
    case "usage":
      return EXIT.usage;
    case "input":
    case "io":
    case "runtime":
    case "numeric":
      return EXIT.failed;
    default:
      return code satisfies never;
  }
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "must exist",
  EACCES: "must be accessible: permission denied",
  EPERM: "must be accessible: operation not permitted",
  EISDIR: "must be a file, is a folder",
  ENOTDIR: "a part of the path must be a folder, is not",
  ENOSPC: "no space left on the device",
  EROFS: "must be writable: the file system is read-only",
  EMFILE: "too many files are open",
};

/** A file system error in the words of the other messages: the file, then what must hold. */
function systemMessage(error: Error): string | undefined {
  const { code, path } = error as NodeJS.ErrnoException;
  const meaning = code === undefined ? undefined : SYSTEM_ERRORS[code];
  return meaning === undefined ? undefined : `${path === undefined ? "" : `${path}: `}${meaning}`;
}

/** One line for anything thrown, and the exit code that goes with it. */
export function describeFailure(error: unknown): { readonly line: string; readonly code: number } {
  const oneLine = (text: string) => shortened(printable(text.replace(/\s*\n\s*/g, " ").trim()), MAX_MESSAGE);
  if (error instanceof MiiiiError) return { line: oneLine(error.message), code: codeOf(error.code) };
  if (error instanceof Interrupted) return { line: oneLine(error.message), code: EXIT.interrupted };
  const system = error instanceof Error ? systemMessage(error) : undefined;
  if (system !== undefined) return { line: oneLine(system), code: EXIT.failed };
  return { line: `unexpected error: ${oneLine(messageOf(error))} (--debug shows where)`, code: EXIT.failed };
}
