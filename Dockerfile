# Build: docker build -t mica .        Run: docker run --rm -p 8080:8080 mica
# Jobs that survive the container: add -v mica:/var/lib/mica -e MICA_STATE_FOLDER=/var/lib/mica
FROM swift:6.2-bookworm AS build
WORKDIR /src
COPY deploy/install-packages.sh deploy/
RUN ./deploy/install-packages.sh && rm -rf /var/lib/apt/lists/*
# The manifest names the test targets, so their folders must be there, although nothing of them is built.
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
RUN swift build -c release --product mica --static-swift-stdlib \
    && install -D --strip .build/release/mica /out/mica

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        libopenblas0-pthread libdnnl2 libgomp1 libpng16-16 libjpeg62-turbo libwebp7 libwebpdemux2 liblcms2-2 libdeflate0 zlib1g libstdc++6 \
        libsqlite3-0 libssl3 libcurl4 ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 mica \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin mica \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/mica
COPY --from=build /out/mica /usr/bin/mica
COPY deploy/healthcheck.sh /usr/libexec/mica/healthcheck
COPY config/mica.yaml /etc/mica/mica.yaml
COPY Models /usr/share/mica/models
USER 10001:10001
# The file says 127.0.0.1, which nobody outside of the container could reach.
ENV MICA_CONFIG=/etc/mica/mica.yaml MICA_HOST=0.0.0.0 MICA_LOG_FORMAT=json
EXPOSE 8080
# A large model is opened and checked before the port is.
HEALTHCHECK --interval=15s --timeout=5s --start-period=300s CMD ["/usr/libexec/mica/healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/mica"]
CMD ["serve"]
