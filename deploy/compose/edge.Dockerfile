# The edge: one static program on an empty base. Build context: the root of the repository.
# Plain Dockerfile syntax on purpose: both BuildKit and the classic builder (Docker 20.10) take it.
ARG GO_IMAGE=golang:1.26-trixie

FROM ${GO_IMAGE} AS build
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-trimpath
WORKDIR /src

# Dependencies. This layer depends on go.mod and go.sum alone, so a change of source keeps it: the modules
# are downloaded, and the slowest of them compiled into the build cache. origin.Dockerfile begins with the
# same lines, so that one download serves both.
ARG GOPROXY=https://proxy.golang.org,direct
COPY go.mod go.sum ./
RUN go mod download
RUN go build net/http github.com/hashicorp/memberlist github.com/prometheus/client_golang/prometheus/promhttp

# Source. Linker flags say which version this is; they come last because they differ with each build.
COPY cmd cmd
COPY pkg pkg
ARG VERSION=dev
RUN go build -ldflags="-s -w -X main.version=${VERSION}" -o /out/edge ./cmd/edge

FROM scratch
# The certificates are for https origins; nothing else comes from a distribution.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY LICENSE /LICENSE
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
