# shellcheck shell=bash disable=SC2154  # sourced by prove.sh, which has say, pass, fail, check, within and the variables
# What prove.sh asks of the running network.

fresh=0                                    # number of the last path that next made
lookup=/lookup/id/ENSG00000157764          # a gene of the sample genome
dumped=/lookup/id/ENSG00000176515          # a gene of the dumps, on assembly GRCh37
dumps=${PROVE_DUMPS:-${MIRRORNET_SHARED:-$root/../shared}/ensembl/test-genome-DBs}
japan=133.39.1.1                           # regions/asia.yaml claims this client

healthy() { # healthy SERVICE…
  local service
  for service in "$@"; do
    [ "$(docker inspect -f '{{.State.Health.Status}}' "$(container "$service")" 2>/dev/null)" = healthy ] || return 1
  done
}
container() { docker ps -aq -f "label=com.docker.compose.service=$1"; } # compose v2 lists the running alone
all="origin-1 origin-2 edge-europe edge-asia edge-useast memcached-europe memcached-asia memcached-useast"

port() { case $1 in europe) echo 8081 ;; asia) echo 8082 ;; useast) echo 8083 ;; africa) echo 8084 ;; esac; }
get()  { curl -sS --max-time 5 "${@:3}" "http://$1.localhost:$(port "$1")$2"; }                     # REGION PATH [CURL…]
field() { get "$1" "$2" -o /dev/null -D - "${@:4}" | tr -d '\r' | sed -n "s/^$3: //Ip" | paste -sd, -; } # REGION PATH FIELD
pings() { [ "$(get "$1" /info/ping | tr -d ' \n')" = '{"ping":1}' ]; }
status_is() { [ "$(get "$1" "$2" -o /dev/null -w '%{http_code}' "${@:4}")" = "$3" ]; }              # REGION PATH STATUS
contains() { [[ $1 == *"$2"* ]]; }
says() { # REGION PATH WORD: 200, with WORD in Cache-Status
  local head; head=$(get "$1" "$2" -o /dev/null -D -) && [[ $head == HTTP/1.1\ 200* ]] && grep -qi "^cache-status: .*$3" <<<"$head"
}
# next sets path to a slice that nobody has asked for: a key of its own.
next() { fresh=$((fresh + 1)) path=/sequence/region/human/7:$((20000 + fresh))..$((20059 + fresh)); }
# unhurt SECONDS REGION…: asks for what is stored and for what is new, all the while; what failed is in lost.
unhurt() {
  local until=$((SECONDS + $1)) region took; shift
  asked=0 lost=0 slowest=0
  while [ $SECONDS -lt $until ]; do
    for region in "$@"; do
      next
      asked=$((asked + 2))
      says "$region" "$lookup" '; hit' || lost=$((lost + 1))
      says "$region" "$path" 'fwd=uri-miss' || lost=$((lost + 1))
      took=$(get "$region" "$path" -o /dev/null -w '%{time_total}' || echo 5.000000); took=$((10#${took//./} / 1000))
      [ "$took" -le "$slowest" ] || slowest=$took
    done
    sleep 0.1
  done
  [ $lost = 0 ]
}
pid() { # SERVICE: its process; fails while it does not run (kill 0 would reach this script)
  local pid; pid=$(docker inspect -f '{{.State.Pid}}' "$(container "$1")")
  [ "${pid:-0}" -gt 1 ] && echo "$pid"
}
quiet() { "$@" >/dev/null 2>&1; }
edge() { docker exec "$(container "edge-$1")" edge "${@:2}"; }
# members REGION: how its node sees all nodes, as name membership state …, and how many revisions they run.
members() {
  edge "$1" members --output json | python3 -c '
import json, sys
nodes = json.load(sys.stdin)
print(*sorted("%s %s %s" % (n["name"], n["membership"], n["state"]) for n in nodes), len({n["revision"] for n in nodes}), sep=", ")'
}
members_are() { local list; list=$(members "$1" 2>/dev/null) && [ "$list" = "$2" ]; }
# gossip_finds REGION: its gossip has asia-1 at the address that it has now (asked at the operators' listener).
gossip_finds() {
  local node at=; node=$(pid "edge-$1") || return
  at=$(nsenter --net --target "$node" curl -sS --max-time 5 http://127.0.0.1:9080/status.json | python3 -c '
import json, sys
print(*(n["Addr"] for n in json.load(sys.stdin)["gossip"] if n["Name"] == "asia-1"))') || return
  [ "$at" = "$(address edge-asia):7946" ]
}
address() { docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$(container "$1")"; }
addresses() { echo "$(address edge-asia) $(address origin-1)"; }
back_in_gossip() {
  local region
  for region in europe asia useast; do
    check "$region: edge members: three alive and serving, asia-1 at its address of now" within 60 reunited $region
  done
}
reunited() { members_are "$1" "$three" && gossip_finds "$1"; }
three="asia-1 alive serving, europe-1 alive serving, useast-1 alive serving, 1"
hardened() { # the process itself, not what was asked for: no capabilities, no new privileges, not root, no write
  local service id state
  for service in "$@"; do
    id=$(container "$service")
    state=$(cat "/proc/$(docker inspect -f '{{.State.Pid}}' "$id")/status")
    grep -q '^CapEff:\s*0*$' <<<"$state" && grep -q '^CapBnd:\s*0*$' <<<"$state" && grep -q '^NoNewPrivs:\s*1' <<<"$state" &&
      grep -q '^Uid:\s*65532\s' <<<"$state" && [ "$(docker inspect -f '{{.HostConfig.ReadonlyRootfs}}' "$id")" = true ] ||
      { say "      $service is not"; return 1; }
  done
}
# serving REGION: the regions that this one lists as serving, sorted.
serving() {
  get "$1" /.well-known/mirrors.json | python3 -c '
import json, sys
print(*sorted(r["name"] for r in json.load(sys.stdin)["regions"] if r["state"] == "serving"))'
}
serving_is() { local list; list=$(serving "$1" 2>/dev/null) && [ "$list" = "$2" ]; }
japan_goes_to() { # REGION asked, REGION expected: a browser in Japan at the canonical name
  field "$1" / Location -H 'Host: rest.localhost' -H "X-Forwarded-For: $japan" -H 'Accept: text/html' -H 'Sec-Fetch-Mode: navigate' |
    grep -q "^http://$2.localhost:"
}
japan_leaves() { # REGION asked: it answers, and does not name asia
  local to
  to=$(get "$1" / -o /dev/null -w '%{http_code} %{redirect_url}' -H 'Host: rest.localhost' -H "X-Forwarded-For: $japan" -H 'Accept: text/html' -H 'Sec-Fetch-Mode: navigate')
  [[ $to =~ ^(200|307)\  && $to != *asia* ]]
}

ask_all() {
  local region second
  for region in europe asia useast; do
    check "$region: http://$region.localhost:$(port $region)/info/ping answers" pings $region
    check "$region: a lookup is answered" status_is $region "$lookup" 200
    second=$(field $region "$lookup" Cache-Status) || true
    check "$region: the same again: Cache-Status: $second" contains "$second" "; hit"
    check "$region: lists asia, europe and useast as serving" within 20 serving_is $region "asia europe useast"
    check "$region: edge members: three alive and serving, on one revision" within 20 members_are $region "$three"
    check "$region: edge check: $(edge $region check 2>&1)" quiet edge $region check
  done
  check "a browser in Japan at the canonical name is sent to asia" within 10 japan_goes_to europe asia
  check "and edge route says so" contains "$(edge europe route $japan --navigate)" "* asia"
}

kill_and_ask() {
  local region before
  before=$(addresses)
  docker kill "$(container edge-asia)" "$(container origin-1)" >/dev/null
  say "killed: edge-asia and origin-1"
  unhurt 8 europe useast || true
  check "of $asked requests to the other edges in the first 8 s, half of them new, $lost failed" [ "$lost" = 0 ]
  for region in europe useast; do
    check "$region: lists europe and useast alone as serving" within 10 serving_is $region "europe useast"
    check "$region: a browser in Japan is no longer sent to asia" within 5 japan_leaves $region
  done

  # The edge first: it takes the lowest free address, the origin's old one, so that both come back elsewhere.
  docker start "$(container edge-asia)" "$(container origin-1)" >/dev/null
  check "started again, both are healthy (edge-asia, origin-1 had $before, have $(addresses))" within 60 healthy edge-asia origin-1
  check "and asia is back in use" within 20 serving_is europe "asia europe useast"
  check "its memcached still had the lookup" says asia "$lookup" '; hit'
  back_in_gossip
}

crash_and_ask() {
  local edge origin before
  if ! edge=$(pid edge-asia) || ! origin=$(pid origin-1); then fail "edge-asia or origin-1 does not run, so neither can crash"; return; fi
  before=$(addresses)
  kill -KILL "$edge" "$origin"
  check "crashed (their processes killed), edge-asia and origin-1 are restarted by the engine" within 20 restarted edge-asia origin-1
  check "and healthy again (they had $before, have $(addresses))" within 60 healthy edge-asia origin-1
  check "asia answers" within 20 pings asia
  back_in_gossip
}
restarted() { local service; for service in "$@"; do [ "$(docker inspect -f '{{.RestartCount}}' "$(container "$service")")" -ge 1 ] || return 1; done; }

# A memcached costs speed alone: first it hangs, then it crashes.
without_memcached() {
  local stuck
  if ! stuck=$(pid memcached-europe); then fail "memcached-europe does not run"; return; fi
  kill -STOP "$stuck"
  unhurt 3 europe || true
  check "memcached-europe hangs: of $asked requests, half of them new, $lost failed; a stored one took at most $slowest ms" [ "$lost" = 0 ]
  kill -KILL "$stuck"
  unhurt 3 europe || true
  check "it crashes: of $asked requests, $lost failed" [ "$lost" = 0 ]
  check "restarted by the engine, it is healthy" within 30 healthy memcached-europe
  check "and europe stores in it again" within 20 stores europe
}
stores() { # REGION: what is asked now is in its memcached soon after
  next
  get "$1" "$path" -o /dev/null
  sleep 0.3
  docker exec "$(container "memcached-$1")" perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new($ENV{SOCKET}) or exit 1;
    print $s "stats\r\nquit\r\n"; while (<$s>) { $n = $1 if /^STAT curr_items (\d+)/ } exit !$n'
}

# Without any origin, what is stored is answered, even by an edge that starts only now; the rest is refused in good order.
without_origins() {
  local region refusal
  docker kill "$(container origin-1)" "$(container origin-2)" >/dev/null
  say "killed: both origins"
  docker restart -t 20 "$(container edge-useast)" >/dev/null
  for region in europe asia useast; do
    check "$region: the lookup is answered from store${restarted_too[$region]:-}" within 15 says $region "$lookup" '; hit'
    check "$region: knows that no origin answers" within 10 knows_no_origin $region
    next
    refusal=$(get $region "$path" --max-time 15 -D - -w '\n%{time_total}' | tr -d '\r') || true
    check "$region: something new is refused within 2 s with 503, Retry-After and JSON: $(gist "$refusal")" refused "$refusal"
    refusal=$(get $region /info/ping --max-time 15 -D - -w '\n%{time_total}' | tr -d '\r') || true
    check "$region: so is /info/ping, which is never stored: $(gist "$refusal")" refused "$refusal"
  done
  check "the edges stay healthy" within 20 healthy edge-europe edge-asia edge-useast
  docker start "$(container origin-1)" "$(container origin-2)" >/dev/null
  check "the origins are back and healthy" within 60 healthy origin-1 origin-2
  for region in europe asia useast; do
    next
    check "$region: something new is answered" within 15 status_is $region "$path" 200
  done
}
knows_no_origin() {
  get "$1" /-/status.json | python3 -c '
import json, sys
sys.exit([o["state"] for o in json.load(sys.stdin)["origins"]] != ["unreachable"] * 2)'
}
declare -A restarted_too=([useast]=", though it has just been restarted")
gist() { echo "$(sed -n '1s/^HTTP.1.1 //p' <<<"$1"), $(tail -1 <<<"$1") s"; }
refused() {
  [[ $1 == HTTP/1.1\ 503* ]] && grep -qi '^retry-after: [0-9]' <<<"$1" && grep -q '^{"error":' <<<"$1" && [ "$(tail -1 <<<"$1" | cut -d. -f1)" -lt 2 ]
}

# As README.md says: clients leave a region whose file says draining, and nothing restarts.
drain_by_file() {
  echo 'state: draining' >>regions/asia.yaml
  check "regions/asia.yaml says draining: a browser in Japan is no longer sent there" within 5 japan_leaves europe
  check "who asks it by name is answered" pings asia
  sed -i '/^state: draining$/d' regions/asia.yaml
  check "taken back, he is sent there again" within 5 japan_goes_to europe asia
}

# compose.db.yaml with real dumps, as README.md says.
real_data() {
  if [ ! -d "$dumps" ]; then
    say "SKIP  compose.db.yaml: no dumps at $dumps; name a folder of Ensembl's dumps by PROVE_DUMPS"
    return
  fi
  local both=("${compose[@]}" -f compose.yaml -f compose.db.yaml) region
  export DUMPS=$dumps
  "${both[@]}" --profile load run --rm load >"$work/load.log" 2>&1 || { tail -20 "$work/load.log"; fail "origin load in a container"; return; }
  check "origin load in a container: $(grep -c '_\(core\|funcgen\|variation\|compara\|ontology\|stable_ids\) ' "$work/load.log") databases into one file" \
    grep -q '^homo_sapiens_core ' "$work/load.log"
  "${both[@]}" up -d >"$work/up3.log" 2>&1 || { tail -20 "$work/up3.log"; fail "compose up with compose.db.yaml"; return; }
  check "both origins serve it, healthy" within 60 healthy origin-1 origin-2
  for region in europe asia useast; do
    check "$region: answers a gene of the dumps" within 20 has_dumped $region
  done
  unset DUMPS
}
has_dumped() { contains "$(get "$1" "$dumped")" '"assembly_name":"GRCh37"'; }

# Does what README.md says, with its own two examples: the region file, and the block, set before "networks:".
add_region() {
  local before region
  before=$(docker ps -q | sort | paste -sd' ')
  python3 - <<'PY' || die "README.md: no examples under 'Add a region'"
import re
file, block = re.findall(r"```yaml\n(.*?)```", open("README.md").read().split("\n## Add a region\n")[1].split("\n## ")[0], re.S)
open("regions/africa.yaml", "w").write(file)
compose = open("compose.yaml").read()
open("compose.yaml", "w").write(compose.replace("\nnetworks:\n", "\n" + block + "\nnetworks:\n"))
PY
  "${compose[@]}" up -d >"$work/up2.log" 2>&1 || { tail -20 "$work/up2.log"; fail "compose up with a fourth region"; return; }
  check "a region file and a service block, as README.md shows them: edge-africa and its memcached are healthy" within 60 healthy edge-africa memcached-africa
  check "the others were not restarted" [ -z "$(comm -23 <(tr ' ' '\n' <<<"$before") <(docker ps -q | sort))" ]
  check "africa answers" within 20 pings africa
  for region in europe asia useast; do
    check "$region: lists africa, asia, europe and useast as serving" within 20 serving_is $region "africa asia europe useast"
    check "$region: edge members: africa-1, ${three%, 1}, on one revision" within 20 members_are $region "africa-1 alive serving, $three"
  done
}

stop_all() {
  "${compose[@]}" stop >/dev/null 2>&1
  local service codes=
  for service in edge-europe edge-asia edge-useast edge-africa origin-1 origin-2; do
    codes+=$(docker inspect -f '{{.State.ExitCode}}' "$(container $service)")
  done
  check "stopped by TERM, all exit with 0 (exit codes $codes)" [ "$codes" = 000000 ]
  "${compose[@]}" -f compose.yaml -f compose.db.yaml --profile load down -v >"$work/down.log" 2>&1 || cat "$work/down.log"
  check "compose down leaves no container, volume or network" [ -z "$(docker ps -aq; docker volume ls -q; docker network ls -q -f type=custom)" ]
}
