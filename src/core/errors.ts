import { MAX_MESSAGE, printable, shortened } from "./text.ts";

/**
 * What went wrong, by kind. The command line turns the kind into an exit code and prints the message on one line.
 *
 * - `usage`: the caller asked for something that does not exist or contradicts itself (exit 2).
 * - `input`: a file or an array that was given does not hold what it must (exit 1).
 * - `io`: a file could not be read or written (exit 1).
 * - `runtime`: what executes the mathematics is missing or failed (exit 1).
 * - `numeric`: a computation left the finite numbers (exit 1).
 */
export type ErrorCode = "usage" | "input" | "io" | "runtime" | "numeric";

/**
 * An error whose message is meant for the user: where, what must hold, what was found. The message is one printable line of at
 * most {@link MAX_MESSAGE} characters, whatever a file made it of.
 */
export class MiiiiError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(shortened(printable(message), MAX_MESSAGE), options);
    this.name = "MiiiiError";
    this.code = code;
  }
}

/** Throws a {@link MiiiiError} of kind `code` unless `condition` holds. */
export function ensure(condition: unknown, code: ErrorCode, message: () => string): asserts condition {
  if (!condition) throw new MiiiiError(code, message());
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
