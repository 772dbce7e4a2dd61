#!/usr/bin/env bash
# Runs after every build of the page (Trunk.toml) and does what Trunk leaves out, so that two builds are never mixed: every file that
# changes gets a hash in its name, the worker's, too; the script that starts the app leaves the page, whose content security policy
# allows none in it; and the service worker learns which files make up this build.
set -euo pipefail
cd "$TRUNK_STAGING_DIR"

sha256() { { sha256sum "$1" 2>/dev/null || shasum -a 256 "$1"; } | cut -d ' ' -f 1; }
digest() { sha256 "$1" | cut -c1-16; }

# Puts a hash into the name of a file, and says the new name.
hashed() {
  local name="${1%.*}-$(digest "$1").${1##*.}"
  mv "$1" "$name"
  echo "$name"
}

replace() { # FILE FROM TO
  FROM=$2 TO=$3 awk '{
    line = ""
    while (at = index($0, ENVIRON["FROM"])) {
      line = line substr($0, 1, at - 1) ENVIRON["TO"]
      $0 = substr($0, at + length(ENVIRON["FROM"]))
    }
    print line $0
  }' "$1" > "$1.new"
  mv "$1.new" "$1"
}

# 1. The worker: each file names the next.
bytes=$(wc -c < worker_bg.wasm | tr -d ' ')
wasm=$(hashed worker_bg.wasm)
replace worker.js worker_bg.wasm "$wasm"
script=$(hashed worker.js)
replace worker_loader.js worker_bg.wasm "$wasm"
replace worker_loader.js ./worker.js "./$script"
replace worker_loader.js 'total_bytes = 0' "total_bytes = $bytes"
replace index.html 'data-worker="worker_loader.js"' "data-worker=\"$(hashed worker_loader.js)\""

# 2. What the page needs as an app.
for icon in icon-192.png icon-512.png icon-maskable-512.png; do replace manifest.webmanifest "$icon" "$(hashed "$icon")"; done
replace index.html 'href="manifest.webmanifest"' "href=\"$(hashed manifest.webmanifest)\""

# 3. The script that starts the app, which Trunk writes into the page.
awk '/<script type="module">/ { inside = 1; next } inside && /<\/script>/ { exit } inside' index.html > app_start.js
start=$(hashed app_start.js)
awk -v start="$start" '
  /<script type="module">/ { inside = 1; print "<script type=\"module\" src=\"./" start "\"></script>" }
  !inside
  inside && /<\/script>/ { inside = 0 }
' index.html > index.new
mv index.new index.html
# `trunk serve` reloads the page after a change by a script in it; `make serve` does without.
if grep -q __TRUNK_ADDRESS__ index.html; then replace index.html "script-src 'self'" "script-src 'self' 'unsafe-inline'"; fi

# 4. What makes up this build.
build=$(digest index.html)
replace index.html 'data-build=""' "data-build=\"$build\""
files=$(find . -type f ! -name service-worker.js ! -name index.html ! -name _headers ! -name '*.md' ! -path './weights/*' | sort |
  while read -r file; do printf '  "%s": "%s",\n' "$file" "$(sha256 "$file")"; done)
replace service-worker.js 'BUILD = ""' "BUILD = \"$build\""
replace service-worker.js 'FILES = {}' "FILES = {
$files
}"
