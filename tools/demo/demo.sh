#!/usr/bin/env bash
# The demonstration: what was built, seen running, in under a minute. `./dev demo` builds first and then calls this.
#   demo.sh [build folder] [fibers] [connections] [seconds]
set -euo pipefail
build=${1:-build/release}
fibers=${2:-1000000}
connections=${3:-10000}
seconds=${4:-8}

bold='' plain=''
[[ ! -t 1 ]] || bold=$'\033[1m' plain=$'\033[0m'
say() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
work=$(mktemp -d)
server=0
cleanup() {
  if [[ $server -ne 0 ]]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap cleanup EXIT
summary=()
note() { summary+=("$(printf '%-44s %s' "$1" "$2")"); }

# ---- the naked example

say "where weft comes from: two fibers, one switch (examples/naked_fibers)"
"$build/examples/naked_fibers/naked_fibers" | awk 'NR <= 8 || /FINISHED/ {print; next} NR == 9 {print "..."}'

# ---- a million parked fibers: 4.8 KiB each, and room for the page cache

free_kib=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
while ((fibers > 1000 && fibers * 6 > free_kib)); do fibers=$((fibers / 2)); done
say "$fibers fibers parked at once, each on its own guarded stack (vm.max_map_count is $(cat /proc/sys/vm/max_map_count))"
"$build/examples/million_fibers/million_fibers" "$fibers" | tee "$work/fibers.txt"
while read -r size each mappings; do
  note "$fibers parked fibers, $size KiB stacks" "$each bytes each, $mappings more mappings"
done < <(awk '/^stacks of/ {size = $3} /bytes resident each/ {print size, $1, $(NF - 2)}' "$work/fibers.txt")

# ---- real traffic: a server, and in a second process its clients

if [[ ! -x $build/bin/weft ]]; then
  say "the weft command was not built (it needs Boost headers and CLI11): no server to show"
else
  limit=$(ulimit -Hn)
  if [[ $limit != unlimited ]] && ((connections * 4 / 3 + 500 > limit)); then # a quarter is the server's, for files
    connections=$(((limit - 500) * 3 / 4))
    echo "the descriptor limit of this machine allows $connections connections"
  fi
  ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
  say "weft serve docs, one fiber a connection"
  "$build/bin/weft" serve docs --listen 127.0.0.1:0 --log off >"$work/serve.txt" 2>&1 &
  server=$!
  for _ in $(seq 100); do grep -q '^serving' "$work/serve.txt" && break; sleep 0.05; done
  cat "$work/serve.txt"
  address=$(sed -n 's|.*http://\([0-9.:]*\)/.*|\1|p' "$work/serve.txt")
  [[ -n $address ]] || { echo "the server did not start" >&2; exit 1; }
  page=glossary.md
  if command -v curl >/dev/null; then
    curl -sS "http://$address/$page" -o "$work/page"
    cmp "docs/$page" "$work/page" && echo "curl got $page, byte for byte"
  fi
  say "$connections connections at the same time, from a second process (weft load)"
  "$build/bin/weft" load "http://$address/$page" --connections "$connections" --duration "${seconds}s" --progress |
    tee "$work/load.txt"
  awk '/VmHWM/ {printf "  server       %.1f MiB at its highest\n", $2 / 1024}' "/proc/$server/status"
  note "weft serve, $connections connections" "$(sed -n 's/^ *requests *\(.*\)/\1/p' "$work/load.txt")"
  note "" "$(sed -n 's/^ *latency *\(.*\)/\1/p' "$work/load.txt")"
  note "" "errors: $(sed -n 's/^ *errors *\(.*\)/\1/p' "$work/load.txt")"
  if command -v wrk >/dev/null; then
    say "the same from wrk, 1000 connections"
    wrk -t1 -c1000 -d3s --latency "http://$address/$page" | tee "$work/wrk.txt"
    note "weft serve, wrk -c1000" "$(sed -n 's/^Requests\/sec: *\(.*\)/\1 requests per second/p' "$work/wrk.txt")"
  fi
  kill -INT "$server"
  wait "$server" && echo "the server stopped gracefully"
  server=0
fi

# ---- in short

say "measured just now, on $(nproc) CPUs"
printf '%s\n' "${summary[@]}"
