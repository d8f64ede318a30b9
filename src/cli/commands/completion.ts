import type { Argv } from "yargs";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { print } from "../output.ts";

const BASH = `# miiii completion for bash; add to ~/.bashrc: source <(miiii completion bash)
_miiii() {
  local word
  COMPREPLY=()
  while IFS= read -r word; do
    [ -n "$word" ] && COMPREPLY+=("$word")
  done < <(miiii completion --words "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _miiii miiii
`;

const ZSH = `#compdef miiii
# miiii completion for zsh; add to ~/.zshrc: source <(miiii completion zsh)
_miiii() {
  local -a found
  found=("\${(@f)$(miiii completion --words "\${words[@]:1:$((CURRENT - 1))}" 2>/dev/null)}")
  found=(\${found:#})
  (( \${#found} )) && compadd -a found
  _files
}
compdef _miiii miiii
`;

const FISH = `# miiii completion for fish; save as ~/.config/fish/completions/miiii.fish
function __miiii_words
  set -l typed (commandline -opc) (commandline -ct)
  miiii completion --words $typed[2..-1] 2>/dev/null
end
complete -c miiii -a '(__miiii_words)'
`;

const SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;

/** The shells that a completion script exists for. */
export const SHELLS = Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[];

/** Declares the options of `completion`. */
export function options(parser: Argv<GlobalOptions>) {
  return parser.positional("shell", { choices: SHELLS, default: "bash" as const, description: "the shell" });
}

/** Prints the completion script of a shell. */
export async function run(argv: ArgumentsOf<typeof options>): Promise<void> {
  print(SCRIPTS[argv.shell]);
}
