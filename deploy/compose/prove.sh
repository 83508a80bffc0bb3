#!/bin/bash
# Proves compose.yaml on a real Docker Engine, without a registry: builds the shipped Dockerfiles, brings the
# network up, asks it through its published ports, takes parts of it away, and asks again.
#
#   sudo ./prove.sh                  needs: docker.io docker-compose (or compose v2) debootstrap python3 curl openssl, and Go
#   PROVE_BASES=DIR sudo -E ./prove.sh   keeps the base system there between runs
#   PROVE_SECONDS=480                after which the run is ended and counts as failed
#   PROVE_DUMPS=DIR                  Ensembl dumps for compose.db.yaml; default: those in shared/ beside the repository
#
# The engine runs in namespaces of its own (mounts, processes, network), with its data in a temporary folder:
# it cannot meet an engine, a firewall or a port of this machine, and the kernel ends all of it with this script.
# The base images that the Dockerfiles name are made from Debian packages and the installed Go.
set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
suite=trixie
go_image=golang:1.26-trixie
memcached_image=memcached:1.6-trixie

passed=0 failed=0 began=$SECONDS
say()  { printf '%4ds  %s\n' $((SECONDS - began)) "$*"; }
pass() { passed=$((passed + 1)); say "PASS  $*"; }
fail() { failed=$((failed + 1)); say "FAIL  $*"; }
die()  { say "FAIL  $*"; exit 1; }

# check TEXT COMMAND…: one line of the result.
check() { local text=$1; shift; if "$@"; then pass "$text"; else fail "$text"; fi; }

# within SECONDS COMMAND…: asks until it holds.
within() {
  local end=$((SECONDS + $1)); shift
  until "$@"; do [ $SECONDS -lt $end ] || return 1; sleep 0.2; done
}

# ---- outside: what needs the machine's network, then the namespaces -------------------------------------------

prepare() {
  [ "$(id -u)" = 0 ] || die "must run as root: sudo $0"
  local missing=()
  for tool in dockerd containerd docker debootstrap unshare setpriv ip iptables python3 curl openssl go; do
    command -v $tool >/dev/null || missing+=("$tool")
  done
  docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || missing+=(docker-compose)
  [ ${#missing[@]} = 0 ] || die "not installed: ${missing[*]} (Debian: apt-get install docker.io docker-compose debootstrap iproute2 iptables python3 curl openssl; Go: go.dev)"

  # A copy of exactly what git would give, so that the proof leaves nothing in the tree.
  mkdir -p "$work/src"
  (cd "$root" && tar -c --exclude=secrets go.mod go.sum LICENSE .dockerignore cmd pkg deploy) | tar -x -C "$work/src"

  say "modules: into the local module cache"
  mkdir "$work/modules" && cp "$root"/go.{mod,sum} "$work/modules"
  (cd "$work/modules" && go mod download) || die "go mod download failed"

  local bases=${PROVE_BASES:-$work}
  if [ ! -e "$bases/$suite.tar" ]; then
    say "base system: debootstrap $suite"
    debootstrap --variant=minbase --include=ca-certificates,memcached "$suite" "$work/base" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" \
      >"$work/debootstrap.log" 2>&1 || { tail -5 "$work/debootstrap.log"; die "debootstrap failed"; }
    rm -rf "$work"/base/var/cache/apt/archives/*.deb "$work"/base/var/lib/apt/lists/*
    mkdir -p "$bases" && tar -c -C "$work/base" -f "$bases/$suite.tar.part" . && mv "$bases/$suite.tar.part" "$bases/$suite.tar"
  else
    mkdir -p "$work/base" && tar -x -C "$work/base" -f "$bases/$suite.tar"
  fi
}

cleanup() {
  local status=$?
  trap - EXIT INT TERM HUP
  if [ -n "$inner" ]; then
    kill -KILL "$inner" 2>/dev/null || true    # --kill-child takes everything inside along
    wait "$inner" 2>/dev/null || true
  fi
  say "removing $work"
  for _ in $(seq 50); do rm -rf "$work" 2>/dev/null && break; sleep 0.2; done
  find /sys/fs/cgroup -depth -type d -path "*/$cgroup*" -exec rmdir {} + 2>/dev/null || true
  [ ! -e "$work" ] || say "left behind: $work"
  exit $status
}

outside() {
  work=$(mktemp -d /tmp/mirrornet-prove.XXXXXX) cgroup=mirrornet-prove-$$ inner=
  trap cleanup EXIT
  trap 'say interrupted; exit 130' INT TERM HUP
  prepare
  export work cgroup began_at=$SECONDS
  GOROOT=$(go env GOROOT) GOMODCACHE=$(go env GOMODCACHE)
  export GOROOT GOMODCACHE
  setpriv --pdeathsig KILL unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private \
    bash "$here/prove.sh" --inside &
  inner=$!
  local limit=${PROVE_SECONDS:-480} status=0
  while kill -0 $inner 2>/dev/null; do
    [ $SECONDS -lt "$limit" ] || die "not done after $limit s"
    sleep 1
  done
  wait $inner || status=$?
  inner=
  exit $status
}

# ---- inside: the engine ---------------------------------------------------------------------------------------

start_engine() {
  ip link set lo up
  cat >"$work/containerd.toml" <<TOML
version = 2
root = "$work/containerd"
state = "$work/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$work/containerd.sock"
TOML
  containerd --config "$work/containerd.toml" >"$work/containerd.log" 2>&1 &
  within 30 test -S "$work/containerd.sock" || { tail -5 "$work/containerd.log"; die "containerd does not start"; }

  export DOCKER_HOST=unix://$work/docker.sock DOCKER_CONFIG=$work/docker-config DOCKER_BUILDKIT=0 COMPOSE_DOCKER_CLI_BUILD=0
  unset DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH
  mkdir -p "$DOCKER_CONFIG"
  [ ! -d ~/.docker/cli-plugins ] || ln -s ~/.docker/cli-plugins "$DOCKER_CONFIG/cli-plugins"
  # No default bridge: builds use the network of this namespace, compose makes its own.
  dockerd --host "$DOCKER_HOST" --data-root "$work/docker" --exec-root "$work/exec" --pidfile "$work/docker.pid" \
    --containerd "$work/containerd.sock" --cgroup-parent "$cgroup" --exec-opt native.cgroupdriver=cgroupfs \
    --bridge none >"$work/dockerd.log" 2>&1 &
  within 60 docker_answers || { tail -20 "$work/dockerd.log"; die "dockerd does not start"; }
  if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi
  pass "engine $(docker info -f '{{.ServerVersion}}, storage {{.Driver}}, cgroup v{{.CgroupVersion}}') runs; $("${compose[@]}" version --short | sed 's/^/compose /')"
}
docker_answers() { docker info >/dev/null 2>&1; }

make_bases() {
  # One base system stands in for both images; Go comes from this machine as it would lie in the official image.
  mkdir -p "$work/base/usr/local/go"
  mount --bind "$GOROOT" "$work/base/usr/local/go"
  tar -c -C "$work/base" . | docker import -c 'ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    -c 'ENV GOTOOLCHAIN=local' - $go_image >/dev/null
  umount "$work/base/usr/local/go"
  tar -c -C "$work/base" . | docker import - $memcached_image >/dev/null
  pass "base images $go_image and $memcached_image are there"

  # The module cache is laid out as a module proxy; go.sum is still checked in the build.
  python3 -m http.server --bind 127.0.0.1 --directory "$GOMODCACHE/cache/download" 8899 >/dev/null 2>&1 &
  export GOPROXY=http://127.0.0.1:8899 BUILD_NETWORK=host GO_IMAGE=$go_image MEMCACHED_IMAGE=$memcached_image
  within 10 curl -so /dev/null http://127.0.0.1:8899/ || die "the module proxy does not start"
}

# ---- inside: the network --------------------------------------------------------------------------------------

build() {
  cd "$work/src/deploy/compose"
  eval "$(grep '^mkdir -m 700 -p secrets && ' README.md)"
  export LIMIT_PER_SECOND=0    # the checks ask faster than one client may
  say "building (some minutes)"
  "${compose[@]}" build >"$work/build.log" 2>&1 || { tail -30 "$work/build.log"; die "compose build failed"; }
  local image size facts='{{.Config.User}} {{index .Config.Labels "org.opencontainers.image.licenses"}} {{index .Config.Healthcheck.Test 1}}'
  for image in edge origin; do
    size=$(docker image inspect -f '{{.Size}}' mirrornet/$image:dev)
    check "image mirrornet/$image: $((size / 1000000)) MB, not root, labelled, health-checked" [ \
      "$(docker image inspect -f "$facts" mirrornet/$image:dev)" = "65532:65532 Apache-2.0 $image" ]
  done

  echo '// changed' >>"$work/src/cmd/edge/main.go"
  "${compose[@]}" build edge-asia >"$work/rebuild.log" 2>&1 || { tail -30 "$work/rebuild.log"; die "compose build after a change of source failed"; }
  check "after a change of source the dependency layers come from the cache, the program is compiled anew" layers_kept
}
# The line after a step of the classic builder says whether it was taken from the cache.
layers_kept() {
  grep -A1 'RUN go mod download' "$work/rebuild.log" | grep -q 'Using cache' &&
    grep -A1 'RUN go build net/http' "$work/rebuild.log" | grep -q 'Using cache' &&
    ! grep -A1 -e '-o /out/edge' "$work/rebuild.log" | grep -q 'Using cache'
}

inside() {
  trap 'report $?' EXIT
  trap 'exit 130' INT TERM
  began=$((SECONDS - ${began_at:-0}))
  start_engine
  make_bases
  build
  "${compose[@]}" up -d >"$work/up.log" 2>&1 || { tail -20 "$work/up.log"; die "compose up failed"; }
  # shellcheck disable=SC2086  # a list of words
  check "two origins, three edges and three memcacheds are healthy" within 120 healthy $all
  # shellcheck disable=SC2086
  check "all run as 65532, without a capability, without new privileges, on a read-only root" hardened $all
  ask_all
  kill_and_ask
  crash_and_ask
  without_memcached
  without_origins
  add_region
  drain_by_file
  real_data
  stop_all
}

report() {
  local status=$1
  trap - EXIT
  if [ "$status" != 0 ] || [ $failed != 0 ]; then
    "${compose[@]:-true}" ps 2>/dev/null || true
    "${compose[@]:-true}" logs --tail 300 2>/dev/null | grep -v '/-/healthz' | tail -80 || true
    tail -5 "$work/dockerd.log" 2>/dev/null || true
  fi
  [ "$status" = 0 ] || failed=$((failed + 1))
  say "$passed passed, $failed failed"
  if [ $failed = 0 ]; then say "PROVED"; exit 0; fi
  say "NOT PROVED"; exit 1
}

case ${1:-} in
  --inside) . "$here/prove.checks.sh"; inside ;;
  '') outside ;;
  *) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
