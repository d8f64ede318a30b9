import { ensure } from "../../core/index.ts";
import { readLiteral } from "./pickle-literals.ts";
import { PickleReader } from "./pickle-reader.ts";
import { describe, PyDict, PyGlobal, PyList, PyObject, PyReference, PyTuple, type PyValue } from "./pickle-values.ts";

/** What a call of a known global with these arguments comes to; undefined for one that is not known. */
export type Construct = (global: PyGlobal, args: readonly PyValue[]) => PyValue | undefined;

/** Far more than any checkpoint needs; what an instruction of one byte makes takes hundreds in memory. */
const MAX_PICKLE_BYTES = 32 * 2 ** 20;
const MAX_CONTAINERS = 500_000;
/** What calls may copy beside what the pickle spells out, in elements: a short list copied a thousand times is no checkpoint. */
const FREE_COPIES = 100_000;

/** The pickle machine: a stack, marks into it, and a memo. */
class Machine {
  readonly #reader: PickleReader;
  readonly #construct: Construct;
  #stack: PyValue[] = [];
  readonly #marks: PyValue[][] = [];
  readonly #memo = new Map<number, PyValue>();
  #containers = 0;
  #copied = 0;
  readonly #maxCopied: number;

  constructor(bytes: Uint8Array, where: string, construct: Construct) {
    this.#maxCopied = bytes.length + FREE_COPIES;
    this.#reader = new PickleReader(bytes, where);
    this.#construct = construct;
  }

  #fail(message: string): never {
    return this.#reader.fail(message);
  }

  #push(value: PyValue): void {
    if (typeof value === "object") this.#count();
    this.#stack.push(value);
  }

  #count(): void {
    this.#containers++;
    if (this.#containers > MAX_CONTAINERS) this.#fail(`the pickle must make at most ${MAX_CONTAINERS} containers`);
  }

  #pop(): PyValue {
    const value = this.#stack.pop();
    return value === undefined ? this.#fail("the pickle must not take from an empty stack") : value;
  }

  #top(): PyValue {
    const value = this.#stack.at(-1);
    return value === undefined ? this.#fail("the pickle must not look at an empty stack") : value;
  }

  /** The values since the last mark. */
  #popMark(): PyValue[] {
    const items = this.#stack;
    this.#stack = this.#marks.pop() ?? this.#fail("the pickle must set a mark before it goes back to one");
    return items;
  }

  #tuple(length: number): void {
    const items = Array.from({ length }, () => this.#pop()).reverse();
    this.#push(new PyTuple(items));
  }

  #load(index: number): void {
    const value = this.#memo.get(index);
    this.#push(
      value === undefined ? this.#fail(`the pickle must remember a value before it recalls it, got number ${index}`) : value,
    );
  }

  #store(index: number): void {
    this.#memo.set(index, this.#top());
  }

  #append(items: readonly PyValue[]): void {
    const target = this.#top();
    const list = target instanceof PyList ? target : target instanceof PyObject ? target.list : undefined;
    if (!list) this.#fail(`the pickle must append to a list, got ${describe(target)}`);
    for (const item of items) list.items.push(item);
  }

  #set(items: readonly PyValue[]): void {
    const target = this.#top();
    const dict = target instanceof PyDict ? target : target instanceof PyObject ? target.dict : undefined;
    if (!dict || items.length % 2 === 1)
      this.#fail(`the pickle must set pairs on a dict, got ${items.length} on ${describe(target)}`);
    for (let i = 0; i < items.length; i += 2) dict.entries.set(items[i] as PyValue, items[i + 1] as PyValue);
  }

  #dictOf(items: readonly PyValue[]): void {
    this.#push(new PyDict());
    this.#set(items);
  }

  #global(module: PyValue, name: PyValue): PyGlobal {
    if (typeof module !== "string" || typeof name !== "string") this.#fail("the pickle must name a global by two strings");
    return new PyGlobal(module, name);
  }

  /** Stands in for a call: a known global gives its value, any other an inert object. */
  #call(callee: PyValue, args: PyValue): void {
    if (!(args instanceof PyTuple)) this.#fail(`the pickle must call with a tuple, got ${describe(args)}`);
    if (!(callee instanceof PyGlobal)) {
      // Only what an inert object would have made can be called otherwise, which is inert as well.
      const path =
        callee instanceof PyObject ? callee.global : this.#fail(`the pickle must call a global, got ${describe(callee)}`);
      this.#push(new PyObject(path, args));
      return;
    }
    const known = this.#construct(callee, args.items);
    if (known instanceof PyList || known instanceof PyTuple) this.#copied += known.items.length;
    if (known instanceof PyDict) this.#copied += known.entries.size;
    if (this.#copied > this.#maxCopied) this.#fail(`the pickle must copy at most ${this.#maxCopied} elements by its calls`);
    this.#push(known === undefined ? new PyObject(callee, args) : known);
  }

  #build(): void {
    const state = this.#pop();
    const target = this.#top();
    // Attributes of a known container (the version of an OrderedDict's modules) are nothing that a tensor needs.
    if (target instanceof PyObject) target.state = state;
  }

  /** Runs to the end and returns the value left over. */
  run(): PyValue {
    for (;;) {
      const code = this.#reader.uint(1);
      if (code === 0x2e) return this.#pop();
      const literal = readLiteral(this.#reader, code);
      if (literal !== undefined) this.#push(literal);
      else if (!this.#stacked(code) && !this.#container(code) && !this.#remembered(code) && !this.#object(code))
        this.#fail(`the pickle must use known instructions, got 0x${code.toString(16).padStart(2, "0")}`);
    }
  }

  /** The stack and its marks. */
  #stacked(code: number): boolean {
    switch (String.fromCharCode(code)) {
      case "(":
        this.#count();
        this.#marks.push(this.#stack);
        this.#stack = [];
        return true;
      case "0":
        // Popping right after a mark takes the mark away.
        if (this.#stack.length === 0) this.#popMark();
        else this.#pop();
        return true;
      case "1":
        this.#popMark();
        return true;
      case "2":
        this.#push(this.#top());
        return true;
      default:
        return false;
    }
  }

  /** Tuples, lists, dicts, sets. */
  #container(code: number): boolean {
    switch (String.fromCharCode(code)) {
      case ")":
        this.#push(new PyTuple([]));
        return true;
      case "t":
        this.#push(new PyTuple(this.#popMark()));
        return true;
      case "\x85":
        this.#tuple(1);
        return true;
      case "\x86":
        this.#tuple(2);
        return true;
      case "\x87":
        this.#tuple(3);
        return true;
      case "]":
      case "\x8f":
        this.#push(new PyList());
        return true;
      case "l":
      case "\x91":
        this.#push(new PyList(this.#popMark()));
        return true;
      case "a":
        this.#append([this.#pop()]);
        return true;
      case "e":
      case "\x90":
        this.#append(this.#popMark());
        return true;
      case "}":
        this.#push(new PyDict());
        return true;
      case "d":
        this.#dictOf(this.#popMark());
        return true;
      case "s": {
        const value = this.#pop();
        this.#set([this.#pop(), value]);
        return true;
      }
      case "u":
        this.#set(this.#popMark());
        return true;
      default:
        return false;
    }
  }

  /** The memo. */
  #remembered(code: number): boolean {
    const reader = this.#reader;
    switch (String.fromCharCode(code)) {
      case "g":
        this.#load(Number(reader.line()));
        return true;
      case "h":
        this.#load(reader.uint(1));
        return true;
      case "j":
        this.#load(reader.uint(4));
        return true;
      case "p":
        this.#store(Number(reader.line()));
        return true;
      case "q":
        this.#store(reader.uint(1));
        return true;
      case "r":
        this.#store(reader.uint(4));
        return true;
      case "\x94":
        this.#store(this.#memo.size);
        return true;
      default:
        return false;
    }
  }

  /** The frame, globals, calls, references. */
  #object(code: number): boolean {
    const reader = this.#reader;
    switch (String.fromCharCode(code)) {
      case "\x80":
        reader.uint(1);
        return true;
      case "\x95":
        reader.length8();
        return true;
      case "c":
        this.#push(this.#global(reader.line(), reader.line()));
        return true;
      case "\x93": {
        const name = this.#pop();
        this.#push(this.#global(this.#pop(), name));
        return true;
      }
      case "R":
      case "\x81": {
        const args = this.#pop();
        this.#call(this.#pop(), args);
        return true;
      }
      case "\x92": {
        this.#pop();
        const args = this.#pop();
        this.#call(this.#pop(), args);
        return true;
      }
      case "i": {
        const global = this.#global(reader.line(), reader.line());
        this.#call(global, new PyTuple(this.#popMark()));
        return true;
      }
      case "o": {
        const [callee, ...args] = this.#popMark();
        this.#call(callee ?? null, new PyTuple(args));
        return true;
      }
      case "b":
        this.#build();
        return true;
      case "P":
        this.#push(new PyReference(reader.line()));
        return true;
      case "Q":
        this.#push(new PyReference(this.#pop()));
        return true;
      default:
        return false;
    }
  }
}

/**
 * The value of a Python pickle, as data: numbers, strings and containers, and whatever `construct` makes of calls that it knows.
 * No other call is made: it becomes an inert {@link PyObject} of its name and arguments. Nothing of the pickle is ever executed.
 *
 * @throws where the pickle is cut short or contradicts itself.
 */
export function readPickle(bytes: Uint8Array, where: string, construct: Construct): PyValue {
  ensure(
    bytes.length <= MAX_PICKLE_BYTES,
    "input",
    () => `${where}: a pickle must have at most ${MAX_PICKLE_BYTES} bytes, got ${bytes.length}`,
  );
  return new Machine(bytes, where, construct).run();
}
