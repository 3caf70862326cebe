# bash completion of usbhostctl: it knows its verbs and options, and asks the daemon for devices, guests and claims.
_usbhostctl() {
    # Bash ends words at ":" and the like (COMP_WORDBREAKS). What no blank separates is one word for the program.
    local line=$COMP_LINE words=() word rest i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        rest=${line#"${line%%[![:blank:]]*}"}
        if ((i > 0)) && [[ $rest == "$line" ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
        line=${rest#"$word"}
    done

    # Bash replaces only its own last word, so the candidates lose what stands before it. An "@" is replaced with what follows it.
    local last=${COMP_WORDS[COMP_CWORD]} begun=${words[-1]} before
    [[ $last == [:=] ]] && last=
    before=${begun:0:${#begun}-${#last}}
    before=${before%@}
    mapfile -t COMPREPLY < <(usbhostctl complete -- "${words[@]:1}" 2>/dev/null)
    COMPREPLY=("${COMPREPLY[@]#"$before"}")
}
complete -o default -F _usbhostctl usbhostctl
