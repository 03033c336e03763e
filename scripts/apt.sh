# Sourced: installs Debian packages where that is possible, as root or through sudo.

# apt_install PACKAGE... : returns non-zero, with a line saying why, where packages cannot be installed.
apt_install() {
    local become=()
    if ! command -v apt-get >/dev/null; then
        echo "apt: no apt-get on this machine: install by hand: $*" >&2
        return 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "apt: not root and no sudo: ask an administrator to install: $*" >&2
            return 1
        fi
        become=(sudo)
    fi
    local log
    log=$(mktemp)
    if { "${become[@]}" apt-get update &&
        "${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } \
        </dev/null >"$log" 2>&1; then
        rm -f "$log"
        return 0
    fi
    echo "apt: could not install $*:" >&2
    tail -n 5 "$log" >&2
    rm -f "$log"
    return 1
}
