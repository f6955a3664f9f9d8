#!/bin/sh
# Chromium for the browser tests, from Debian's packages, where it is missing.
# Quiet and without effect where there is one already; on other systems it says what to do.
set -eu

for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do
    if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
for app in Chromium "Google Chrome"; do
    if [ -x "/Applications/$app.app/Contents/MacOS/$app" ]; then exit 0; fi
done

by_hand() {
    echo "The browser tests need Chromium or Chrome, and this script cannot install it here:" >&2
    echo "$1" >&2
    echo "Without it, \`make browser\` skips them; everything else works." >&2
    exit "${TRACKLAB_REQUIRE_BROWSER:-0}"
}

if ! command -v apt-get >/dev/null 2>&1; then
    case "$(uname -s)" in
        Darwin) by_hand "install Chrome from its own site, or \`brew install --cask chromium\`." ;;
        *) by_hand "install the package \`chromium\` with your system's package manager." ;;
    esac
fi

if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    by_hand "run \`sudo apt-get install chromium\` once, with your password."
fi

echo "Installing Chromium from the system's packages (about 300 MB, once) ..."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
if ! { $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends chromium; } >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    by_hand "apt-get failed (see above); is there a network?"
fi
