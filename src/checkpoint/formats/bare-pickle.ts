import { savesFlat } from "./python-lines.ts";

/** Where a pickle names the modules of what it holds. */
const LOOKED_THROUGH = 4096;

/** Protocols 2 to 5 begin with a mark; 0 and 1 are lines of text, and begin with a list, a dict or a class. */
function isPickle(bytes: Uint8Array, text: string): boolean {
  if (bytes.at(-1) !== 0x2e) return false;
  return (bytes[0] === 0x80 && (bytes[1] ?? 9) <= 5) || /^(?:\(?[dl]p?\d*\n|\}q|\]q|c\w+(?:\.\w+)*\n\w+\n)/.test(text);
}

/**
 * Why a pickle that lies in no archive is not read, and the Python that makes a readable file of what it holds; undefined for
 * other bytes. A pickle is code, and is not executed: what it holds is told by the modules that it names.
 */
export function barePickle(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.subarray(0, LOOKED_THROUGH)).toString("latin1");
  if (!isPickle(bytes, text)) return undefined;
  if (/sklearn[._]/.test(text)) return "is a model of scikit-learn, which has no transformers";
  const isJoblib = /joblib[._]numpy_pickle/.test(text);
  const loaded = isJoblib ? "joblib.load(FILE)" : 'pickle.load(open(FILE, "rb"))';
  // Tensors and whole modules are what PyTorch's own archive holds.
  const saved = /torch[._]/.test(text) ? 'torch.save(p, "model.pth")' : savesFlat("p");
  return `must not be a bare pickle, which is code: in Python, p = ${loaded}; ${saved}`;
}
