// Loaded before a training: kills the process, without a word, at the file operation that CRASH_AT counts to.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const at = Number(process.env.CRASH_AT);
const after = process.env.CRASH_AFTER === "1";
let done = 0;

for (const name of ["renameSync", "fsyncSync", "ftruncateSync", "writeSync"]) {
  const original = fs[name];
  fs[name] = (...args) => {
    // Only what goes to files: standard output and error are 1 and 2.
    const counted = typeof args[0] !== "number" || args[0] > 2;
    if (counted) done += 1;
    if (counted && done === at && !after) process.kill(process.pid, "SIGKILL");
    const result = original(...args);
    if (counted && done === at) process.kill(process.pid, "SIGKILL");
    return result;
  };
}
syncBuiltinESMExports();
