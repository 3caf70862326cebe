# bash completion of usbhostctl: it knows its verbs and options, and asks the daemon for devices, guests and claims.
_usbhostctl() {
    mapfile -t COMPREPLY < <(usbhostctl complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _usbhostctl usbhostctl
