import { type Code, TYPE, unsigned } from "./instructions.ts";

type Type = keyof typeof TYPE;

/** A function of a WebAssembly module. */
export interface WasmFunction {
  readonly name: string;
  readonly parameters: readonly Type[];
  /** Variables beside the parameters, numbered after them. */
  readonly variables: readonly Type[];
  /** None where left out. */
  readonly result?: Type;
  readonly body: Code;
}

const list = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];

const sized = (content: Code): Code => [...unsigned(content.length), ...content];

const section = (number: number, content: Code): Code => [number, ...sized(content)];

/** The bytes of a module of some functions and one memory, named `memory`, of as many pages of 64 KiB as asked for. */
export function wasmModule(functions: readonly WasmFunction[], pages: number): Uint8Array<ArrayBuffer> {
  const text = (name: string): Code => sized([...name].map((letter) => letter.charCodeAt(0)));
  const types = functions.map(({ parameters, result }): Code => {
    return [0x60, ...list(parameters.map((type) => [TYPE[type]])), ...list(result === undefined ? [] : [[TYPE[result]]])];
  });
  const exported = functions.map(({ name }, i): Code => [...text(name), 0, ...unsigned(i)]);
  const bodies = functions.map(({ variables, body }): Code => {
    return sized([...list(variables.map((type) => [1, TYPE[type]])), ...body, 0x0b]);
  });
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list(types)),
    ...section(3, list(functions.map((_, i) => unsigned(i)))),
    ...section(5, list([[0, ...unsigned(pages)]])),
    ...section(7, list([...exported, [...text("memory"), 2, 0]])),
    ...section(10, list(bodies)),
  ]);
}
