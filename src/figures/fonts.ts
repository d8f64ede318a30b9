import { fileURLToPath } from "node:url";

/** How letters stand: upright or slanted, of usual weight or heavy. */
export const FONT_FACES = ["regular", "bold", "oblique", "bold-oblique"] as const;

/** One of {@link FONT_FACES}. */
export type FontFace = (typeof FONT_FACES)[number];

const FILES: Readonly<Record<FontFace, string>> = {
  regular: "DejaVuSans.ttf",
  bold: "DejaVuSans-Bold.ttf",
  oblique: "DejaVuSans-Oblique.ttf",
  "bold-oblique": "DejaVuSans-BoldOblique.ttf",
};

/**
 * The file of a face of DejaVu Sans, which comes with the package: it has the Greek letters, subscripts and signs of all figures,
 * on a machine without fonts too.
 */
export function fontFile(face: FontFace): string {
  return fileURLToPath(import.meta.resolve(`dejavu-fonts-ttf/ttf/${FILES[face]}`));
}

/** The files of all faces. */
export const fontFiles = (): string[] => FONT_FACES.map(fontFile);
