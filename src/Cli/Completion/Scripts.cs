namespace Monolith.Cli.Completion;

/// <summary>
/// The shells' scripts. They know nothing of the commands: they ask the binary that is being completed.
/// </summary>
internal static class Scripts
{
    public static string Of(string shell) => shell switch
    {
        "bash" => Bash,
        "zsh" => Zsh,
        "fish" => Fish,
        _ => throw new ArgumentOutOfRangeException(nameof(shell), shell, "No script for this shell."),
    };

    const string Bash = """
        _monolith() {
          local word=${COMP_WORDS[COMP_CWORD]}
          local IFS=$'\n'
          # The words as the shell splits them: `:` and `=` break words there, not in the command.
          local line=${COMP_LINE:0:COMP_POINT} words
          IFS=' ' read -r -a words <<<"$line"
          [[ $line == *' ' ]] && words+=('')
          COMPREPLY=($("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null))
          # What stands before a breaking character in this word is on the line already.
          local whole=${words[-1]}
          local kept=${whole%"$word"}
          [[ -n $kept && $kept != "$whole" ]] && COMPREPLY=("${COMPREPLY[@]#"$kept"}")
          [[ ${COMPREPLY[0]-} == */ ]] && compopt -o nospace
          return 0
        }
        complete -o default -F _monolith monolith

        """;

    const string Zsh = """
        #compdef monolith
        _monolith() {
          local -a found
          found=("${(@f)$(${words[1]} complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
          if [[ -n ${found[1]} ]]; then compadd -a found; else _files; fi
        }
        if [[ $funcstack[1] == _monolith ]]; then _monolith "$@"; else compdef _monolith monolith; fi

        """;

    const string Fish = """
        function __monolith_complete
            set -l words (commandline -opc) (commandline -ct)
            set -l found ($words[1] complete -- $words[2..-1] 2>/dev/null)
            if test (count $found) -gt 0
                printf '%s\n' $found
            else
                __fish_complete_path (commandline -ct)
            end
        end
        complete -c monolith -f -a '(__monolith_complete)'

        """;
}
