# fish completion of usbhostctl: it knows its verbs and options, and asks the daemon for devices, guests and claims.
function __usbhostctl_complete
    set -l words (commandline --tokenize --cut-at-cursor) (commandline --current-token --cut-at-cursor)
    usbhostctl complete -- $words[2..-1] 2>/dev/null
end
complete --command usbhostctl --arguments '(__usbhostctl_complete)'
