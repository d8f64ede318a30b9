#!/usr/bin/env node
import { describeFailure, EXIT } from "./exit.ts";
import { runProgram } from "./program.ts";

// A reader that goes away (`miiii … | head`) takes nothing from the work and says nothing of how it ends.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return;
    // A full disk, say: what was printed is lost.
    if (stream === process.stdout) {
      const { line, code } = describeFailure(error);
      process.stderr.write(`miiii: stdout: ${line}\n`);
      process.exit(code);
    }
    process.exit(EXIT.failed);
  });
}

const args = process.argv.slice(2);
try {
  // What the completion scripts ask: the words are half-typed, so they are kept from the parser.
  if (args[0] === "completion" && args[1] === "--words") {
    const { completeWords } = await import("./completion.ts");
    process.stdout.write((await completeWords(args.slice(2))).map((word) => `${word}\n`).join(""));
  } else await runProgram(args);
} catch (error) {
  const { line, code } = describeFailure(error);
  process.stderr.write(`miiii: ${line}\n`);
  if (args.includes("--debug") && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exitCode = code;
}
