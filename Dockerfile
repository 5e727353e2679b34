# One image for every role: the role is the argument, as in `docker run playbeat ingest`; none is all of them in one process.
# The digest is that of the tag's manifest list; renewed together with the `node` of package.json.
ARG NODE_IMAGE=node:24-slim@sha256:a9f5f7c91a432850b2a8a7797adf5eadb6c733ceed61167806cee7ea7fbc29df

FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# What describes the infrastructure is no part of what runs in it: 270 MB.
RUN npm ci --omit=dev --strict-allow-scripts --no-audit --no-fund && rm -rf node_modules/aws-cdk-lib node_modules/@aws-cdk node_modules/constructs
RUN mkdir data

FROM ${NODE_IMAGE}
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps DATA_DIR=/data
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json ./
COPY services ./services
COPY shared ./shared
COPY schemas ./schemas
COPY web ./web
# Of a process that has its log and its state with it; with Kafka and Redis nothing is written here.
COPY --from=packages --chown=10001:10001 /app/data /data
VOLUME /data
USER 10001:10001
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "-e", "fetch('http://127.0.0.1:'+(process.env.PORT||8080)+'/healthz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
ENTRYPOINT ["node", "services/main.ts"]
CMD []
