import { biasOf, type Named, type Numbered, numberedOf, type Role, roleNamed } from "./roles.ts";

/** What tensors are whose names tell them apart by a number alone. */
export type Placement = ReadonlyMap<string, Named>;

interface Member extends Numbered {
  readonly name: string;
}

/** More families than this are not tried one against the other. */
const MAX_PLACEMENTS = 64;

/** What the first, second, … of a family are, by how many there are. */
function rolesOf(family: string, count: number): readonly Role[] | undefined {
  const [block = "", home = "", kind = ""] = family.split("|");
  if (/^embed/.test(kind)) return count === 1 ? ["embed.W_E"] : count === 2 ? ["embed.W_E", "pos_embed.W_pos"] : undefined;
  if (count === 2) return ["blocks.0.mlp.W_in", "blocks.0.mlp.W_out"];
  // A third outside of any block or MLP is the read-out; a third inside one is a gate.
  return count === 3 && home === "" && block === "" ? ["blocks.0.mlp.W_in", "blocks.0.mlp.W_out", "unembed.W_U"] : undefined;
}

/**
 * Families of three matrices or more inside one MLP, which only a number tells apart: one of them is a gate, or there are further
 * layers.
 */
export function gatedFamilies(names: readonly string[]): string[][] {
  const families = new Map<string, Map<number, string>>();
  for (const name of names) {
    const found = numberedOf(name);
    if (found === undefined || found.bias || !found.numbered || found.family.split("|")[1] === "") continue;
    families.set(found.family, (families.get(found.family) ?? new Map()).set(found.number, name));
  }
  return [...families.values()].filter((members) => members.size > 2).map((members) => [...members.values()]);
}

/** The orders of a few things, their own first. */
function ordersOf<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, i) => ordersOf(items.filter((_, j) => j !== i)).map((rest) => [item, ...rest]));
}

/** The ways to give a family's members their roles: in order of their numbers, then in the others. */
function placed(members: readonly Member[]): Placement[] {
  const numbers = [...new Set(members.filter(({ bias }) => !bias).map(({ number }) => number))].sort((a, b) => a - b);
  const roles = rolesOf(members[0]?.family ?? "", numbers.length);
  if (roles === undefined) return [];
  return ordersOf(numbers).map((order) => {
    const entries = members.flatMap(({ name, number, bias, style }): [string, Named][] => {
      const weight = roles[order.indexOf(number)];
      const role = bias && weight !== undefined ? biasOf(weight) : weight;
      return role === undefined ? [] : [[name, { role, style: bias ? "weight" : style }]];
    });
    return new Map(entries);
  });
}

/**
 * The ways to take tensors that are known by their numbers (`Dense_0`, `Dense_1`; `fc1`, `fc2`; `mlp.0`, `mlp.2`; Haiku's
 * `linear`, `linear_1`): in order of the numbers first, wherever counting begins. The other orders follow, since Flax numbers
 * modules as they are made and `nn.Dense(d)(nn.relu(nn.Dense(m)(x)))` makes its outer one first. Whether one without a number is
 * the first of them or something else is open. None at all is always a way, the last.
 */
export function placementsOf(names: Iterable<string>): Placement[] {
  const families = new Map<string, Member[]>();
  for (const name of names) {
    const numbered = numberedOf(name);
    if (numbered === undefined || (numbered.numbered && roleNamed(name) !== undefined)) continue;
    families.set(numbered.family, [...(families.get(numbered.family) ?? []), { ...numbered, name }]);
  }
  let placements: Placement[] = [new Map()];
  for (const members of families.values()) {
    if (!members.some(({ numbered }) => numbered)) continue;
    const alone = members.filter(({ numbered }) => numbered);
    const ways = [...placed(alone), ...(alone.length < members.length ? placed(members) : [])];
    const next = placements.flatMap((placement) => [...ways.map((way) => new Map([...placement, ...way])), placement]);
    if (next.length <= MAX_PLACEMENTS) placements = next;
  }
  return placements;
}
