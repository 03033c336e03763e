#!/usr/bin/env bash
# Makes ready all that the project is worked on with, a line per step, and does nothing that is already done:
# each step keeps a stamp of what it was made from.
#
#   setup.sh            everything
#   setup.sh python     only the Python environments (.venv, and .cache/venvs/python3 where python3 is older)
#   setup.sh extension  only the extension's packages
#   setup.sh editor     only the workbench for the editor's tests
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
readonly root
cd "$root"
# shellcheck source=scripts/apt.sh
. scripts/apt.sh
# shellcheck source=scripts/find_python.sh
. scripts/find_python.sh
export PIP_DISABLE_PIP_VERSION_CHECK=1

# is_stamped FILE TEXT : whether FILE holds exactly TEXT.
is_stamped() {
    [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]
}

# fingerprint FILE... : one digest of the files' contents.
fingerprint() {
    cat "$@" | sha256sum | cut -d ' ' -f 1
}

# run_quietly TITLE COMMAND... : shows the command's output only where it fails.
run_quietly() {
    local title=$1 log
    shift
    log=$(mktemp)
    if ! "$@" </dev/null >"$log" 2>&1; then
        echo "$title: failed: $*" >&2
        tail -n 30 "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

# make_environment FOLDER INTERPRETER VERSION EXTRA : an environment with the project, editable, and its extra.
make_environment() {
    local folder=$1 interpreter=$2 version=$3 extra=$4 stamp
    stamp="$version $interpreter $(fingerprint pyproject.toml constraints.txt)"
    if is_stamped "$folder/.stamp" "$stamp"; then
        echo "python: $folder is ready (Python $version)"
        return
    fi
    if ! probe "$folder/bin/python" | grep -qxF "$interpreter $version"; then
        echo "python: creating $folder (Python $version)"
        if ! "$interpreter" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "python: this Python has no venv module: installing it"
            apt_install python3-venv
        fi
        rm -rf "$folder"
        run_quietly python "$interpreter" -m venv "$folder"
    fi
    echo "python: installing packages in $folder"
    local install=("$folder/bin/python" -m pip install --quiet --constraint constraints.txt)
    run_quietly python "${install[@]}" setuptools
    run_quietly python "${install[@]}" --no-build-isolation --editable ".[$extra]"
    echo "$stamp" >"$folder/.stamp"
}

setup_python() {
    local newest system
    if ! newest=$(newest_python); then
        echo "python: no Python 3.11 or later found: installing Debian's"
        apt_install python3 python3-venv
        newest=$(newest_python) || {
            echo "python: Python 3.11 or later is needed; set PYTHON to one" >&2
            return 1
        }
    fi
    make_environment .venv "${newest% *}" "${newest##* }" dev
    # A user's project is often on an older Python, where recording works otherwise: tests run there too.
    if system=$(system_python 10) && [ "${system% *}" != "${newest% *}" ]; then
        make_environment .cache/venvs/python3 "${system% *}" "${system##* }" test
    fi
}

setup_extension() {
    local stamp modules=vscode-extension/node_modules
    if ! command -v npm >/dev/null; then
        echo "extension: npm (Node 20 or later) is needed" >&2
        return 1
    fi
    stamp="$(node --version) $(fingerprint vscode-extension/package.json vscode-extension/package-lock.json)"
    if is_stamped "$modules/.stamp" "$stamp"; then
        echo "extension: packages are ready (Node $(node --version))"
        return
    fi
    echo "extension: installing packages"
    (cd vscode-extension && run_quietly extension npm ci --no-audit --no-fund)
    echo "$stamp" >"$modules/.stamp"
}

setup_editor() {
    local status=0
    scripts/setup_editor.sh || status=$?
    # 3: no browser to be had, which the script has said loudly; the rest can go on without the editor's tests.
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ]
}

for part in "${@:-python extension editor}"; do
    for name in $part; do
        "setup_$name"
    done
done
