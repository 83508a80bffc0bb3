# The origin: one static program on an empty base. Build context: the root of the repository.
# Plain Dockerfile syntax on purpose: both BuildKit and the classic builder (Docker 20.10) take it.
ARG GO_IMAGE=golang:1.26-trixie

FROM ${GO_IMAGE} AS build
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-trimpath
WORKDIR /src

# Dependencies: see edge.Dockerfile, which begins with the same lines down to the first build. SQLite in Go
# takes longer to compile than everything else together.
ARG GOPROXY=https://proxy.golang.org,direct
COPY go.mod go.sum ./
RUN go mod download
RUN go build net/http github.com/prometheus/client_golang/prometheus/promhttp github.com/maypok86/otter/v2 \
    github.com/klauspost/compress/zstd github.com/andybalholm/brotli github.com/go-chi/chi/v5 github.com/spf13/cobra
RUN go build modernc.org/sqlite

COPY cmd cmd
COPY pkg pkg
ARG VERSION=dev
RUN go build -ldflags="-s -w -X main.version=${VERSION}" -o /out/origin ./cmd/origin \
 && mkdir -p /out/data /out/root/tmp && chmod 1777 /out/root/tmp

FROM scratch
# The certificates are for origin serve --upstream https://…
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY LICENSE /LICENSE
# When a container starts again, the engine gives a tmpfs the mode of the folder beneath it.
COPY --from=build /out/root /
COPY --from=build /out/origin /usr/local/bin/origin
# A volume mounted here begins with this folder's owner, so that origin load may write it.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
EXPOSE 8000/tcp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s --retries=3 \
    CMD ["origin", "healthcheck", "--url", "http://127.0.0.1:8000/-/healthz"]
ENTRYPOINT ["origin"]
CMD ["serve", "--listen", "0.0.0.0:8000"]
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="mirrornet origin" \
      org.opencontainers.image.description="The origin of a mirror network: the Ensembl REST API from one SQLite file" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
