# The edge: one static program on an empty base. Build context: the root of the repository.
# Plain Dockerfile syntax on purpose: both BuildKit and the classic builder (Docker 20.10) take it.
ARG GO_IMAGE=golang:1.26-trixie

FROM ${GO_IMAGE} AS build
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-trimpath
WORKDIR /src

# Dependencies. This layer depends on go.mod and go.sum alone, so a change of source keeps it: the modules
# are downloaded, and the slowest of them compiled into the build cache. origin.Dockerfile begins with the
# same lines down to the first build, so that those layers serve both.
ARG GOPROXY=https://proxy.golang.org,direct
COPY go.mod go.sum ./
RUN go mod download
RUN go build net/http github.com/prometheus/client_golang/prometheus/promhttp github.com/maypok86/otter/v2 \
    github.com/klauspost/compress/zstd github.com/andybalholm/brotli github.com/go-chi/chi/v5 github.com/spf13/cobra
RUN go build github.com/hashicorp/memberlist github.com/miekg/dns github.com/oschwald/geoip2-golang/v2 go.yaml.in/yaml/v4

# Source. Linker flags say which version this is; they come last because they differ with each build.
COPY cmd cmd
COPY pkg pkg
ARG VERSION=dev
RUN go build -ldflags="-s -w -X main.version=${VERSION}" -o /out/edge ./cmd/edge \
 && mkdir -p /out/root/tmp /out/lib/mirrornet && chmod 1777 /out/root/tmp && chmod 700 /out/lib/mirrornet

FROM scratch
# The certificates are for https origins; nothing else comes from a distribution.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY LICENSE /LICENSE
# When a container starts again, the engine gives a tmpfs the mode of the folder beneath it.
COPY --from=build /out/root /
COPY --from=build --chown=65532:65532 /out/lib /var/lib
COPY --from=build /out/edge /usr/local/bin/edge
ENV EDGE_CONFIG=/etc/mirrornet/edge.yaml
USER 65532:65532
EXPOSE 8080/tcp 7946/tcp 7946/udp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s --retries=3 \
    CMD ["edge", "healthcheck", "--url", "http://127.0.0.1:8080/-/healthz"]
ENTRYPOINT ["edge"]
CMD ["serve", "--config", "/etc/mirrornet/edge.yaml"]
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="mirrornet edge" \
      org.opencontainers.image.description="A regional edge of a mirror network for a read-mostly HTTP API" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
