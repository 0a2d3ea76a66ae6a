# Latchkey: one process, no shell, no root, no state outside /data.
#
# Node 26 is the long-term line. For a build that repeats exactly, pin what the tag means today:
#   docker buildx imagetools inspect node:26-trixie-slim
#   docker build --build-arg NODE_IMAGE=node:26-trixie-slim@sha256:... --tag latchkey:0.1.0 .
#
# Debian and not Alpine: libsql and bcrypt ship binaries for both, and glibc is what the tests run on.
ARG NODE_IMAGE=node:26-trixie-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
# A development dependency that lies in a folder: npm asks for its manifest.
COPY client/package.json client/
# Without scripts: no package needs its own, and ours (`prepare`) would build before the sources are there.
RUN npm ci --ignore-scripts
COPY . .
RUN node scripts/build.mjs

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
COPY client/package.json client/
# npm installs libsql for glibc and for musl side by side.
RUN npm ci --omit=dev --ignore-scripts \
  && rm -rf node_modules/@libsql/linux-*-musl*

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Latchkey" \
      org.opencontainers.image.description="A self-hosted GraphQL auth API" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
# Fixed numbers, so that the owner of a volume is known beforehand.
RUN groupadd --system --gid 10001 latchkey \
  && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin latchkey \
  && install --directory --owner=10001 --group=10001 --mode=0700 /data
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY schema schema
COPY pages pages
COPY scripts/healthcheck.mjs scripts/
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=4000 \
    LATCHKEY_DATA_DIR=/data
USER 10001:10001
VOLUME ["/data"]
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "scripts/healthcheck.mjs"]
# Without a shell or npm in between, a SIGTERM reaches the server. `docker run IMAGE user list` runs the command line.
ENTRYPOINT ["node", "dist/cli/latchkey.js"]
CMD ["start"]
