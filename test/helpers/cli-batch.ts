/**
 * Runs command lines one after the other in one process: a JSON list of argument lists on stdin, a JSON list of results on
 * stdout.
 */
import { readFileSync } from "node:fs";
import { describeFailure } from "../../src/cli/exit.ts";
import { runProgram } from "../../src/cli/program.ts";

const write = process.stdout.write.bind(process.stdout);
const results: { code: number; stdout: string; stderr: string }[] = [];
for (const args of JSON.parse(readFileSync(0, "utf8")) as string[][]) {
  const [out, err]: [string[], string[]] = [[], []];
  process.stdout.write = (text: string | Uint8Array) => out.push(String(text)) > 0;
  process.stderr.write = (text: string | Uint8Array) => err.push(String(text)) > 0;
  let code = 0;
  try {
    await runProgram(args);
  } catch (error) {
    const failure = describeFailure(error);
    err.push(`miiii: ${failure.line}\n`);
    code = failure.code;
  }
  results.push({ code, stdout: out.join(""), stderr: err.join("") });
}
write(JSON.stringify(results));
