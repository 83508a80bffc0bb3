# The targets with a ## comment are what "make help" prints.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VERSION ?= $(shell git describe --always --dirty 2>/dev/null || echo dev)
GOFLAGS_BUILD = -trimpath -ldflags "-X main.version=$(VERSION)"
FUZZTIME ?= 10s

.PHONY: help build bin/demo run edge test check conformance keys bench bench-origin screenshots e2e-world fuzz cover clean

help: ## print this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | awk -F'\t' '{printf "  make %-13s %s\n", $$1, $$2}'

build: ## bin/edge and bin/origin
	@mkdir -p bin
	CGO_ENABLED=0 go build $(GOFLAGS_BUILD) -o bin/ ./cmd/edge ./cmd/origin

bin/demo: build
	@go build -o bin/demo ./pkg/demo

run: bin/demo ## a whole network on loopback: an origin, three edges, gossip, memcached (UPSTREAM=URL or DB=FILE: serve that)
	@exec bin/demo $(if $(UPSTREAM),-upstream '$(UPSTREAM)') $(if $(DB),-db '$(DB)')

edge: bin/demo ## join the edge of one more region to make run (REGION=africa, described in run/regions/africa.yaml)
	@test -n "$(REGION)" || { echo 'name a region: make edge REGION=africa'; exit 2; }
	@exec bin/demo edge '$(REGION)'

test: ## everything that CI runs; on Debian and Ubuntu it installs what is missing
	@./.ci/tools
	@$(MAKE) --no-print-directory check
	go test -race ./...
	go test -run 'TestKeys|Alloc|Million' ./pkg/mirrortest/keys ./pkg/lane ./pkg/route ./cmd/edge # what the race detector slows or bends

check: ## formatting, vet and lint, by tools that go.mod pins
	@unformatted=$$(gofmt -l cmd pkg); test -z "$$unformatted" || { echo "gofmt wants: $$unformatted"; exit 1; }
	go vet ./...
	go tool staticcheck ./...

pkg/conformance/node_modules: pkg/conformance/package-lock.json
	npm ci --prefix pkg/conformance --no-audit --no-fund
	@touch $@

conformance: build pkg/conformance/node_modules ## the public HTTP cache tests against bin/edge, with memcached and without (SUITE=FOLDER: a newer copy of them)
	go run ./pkg/conformance -write -v $(if $(SUITE),-suite '$(SUITE)')

PAIRS ?= 1000000
keys: ## PAIRS (default a million) cases of equal and unequal requests through an edge, with the origin as oracle
	go test ./pkg/mirrortest/keys -run TestKeys -timeout 4h -v -pairs $(PAIRS)

bench: build ## the cache beside HAProxy, nginx and Varnish (BENCH='-rows 1kB,304 -rounds 1': less; BENCH=-h: all flags)
	@go build -o bin/bench ./pkg/bench
	@exec bin/bench $(BENCH)

bench-origin: build ## the origin over SQLite and MariaDB, on one core (BENCH='-rows lookup -profile': less, and where the time goes)
	@go build -o bin/bench ./pkg/bench
	@bin/bench api $(BENCH)
	@echo; $(if $(BENCH),true,bin/bench load) # beside mariadb-import

screenshots: ## each page and state, light and dark, wide and narrow, as pictures in run/screenshots
	@rm -rf run/screenshots
	go test ./pkg/mirrortest/browser -run TestScreenshots -count=1 -screenshots $(CURDIR)/run/screenshots

e2e-world: ## five regions, two origins, six clients in network namespaces, and all that may befall them; as root, 40 minutes (SCENARIOS='GeoIP.*' ROUNDS=1: less)
	go test ./pkg/mirrortest/world -run TestWorld -count=1 -timeout 2h -v -strict -scenarios '$(or $(SCENARIOS),.*)' -rounds $(or $(ROUNDS),0)

fuzz: ## each fuzz target for FUZZTIME (default 10s)
	@set -e; for pkg in $$(go list ./...); do for f in $$(go test -list '^Fuzz' $$pkg 2>/dev/null | grep ^Fuzz || true); do \
		echo "$$pkg $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg; done; done

cover: ## statement coverage, by package
	go test -cover ./...

clean: ## remove what make run and make build wrote
	rm -rf bin run
