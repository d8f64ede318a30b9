import assert from "node:assert/strict";
import { MiiiiError } from "../../src/core/index.ts";

/** Asserts an error of this project, of one line, with this code. */
export const fails = (run: () => unknown, code: string, pattern: RegExp) =>
  assert.throws(run, (error: Error & { code?: string }) => {
    assert.ok(error instanceof MiiiiError, String(error.stack));
    assert.match(error.message, pattern);
    assert.equal(error.code, code);
    assert.ok(!error.message.includes("\n"));
    return true;
  });
