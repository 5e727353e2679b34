import type { Mechanism, SASLOptions } from 'kafkajs';
// @ts-expect-error the inside of kafkajs has no types; package.json pins its version
import Broker from 'kafkajs/src/broker/index.js';
// @ts-expect-error the inside of kafkajs has no types; package.json pins its version
import Cluster from 'kafkajs/src/cluster/index.js';
// @ts-expect-error the inside of kafkajs has no types; package.json pins its version
import FetchedBatch from 'kafkajs/src/consumer/batch.js';
// @ts-expect-error the inside of kafkajs has no types; package.json pins its version
import errors from 'kafkajs/src/errors.js';
// @ts-expect-error the inside of kafkajs has no types; package.json pins its version
import Connection from 'kafkajs/src/network/connection.js';
// @ts-expect-error the inside of kafkajs has no types; package.json pins its version
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
// @ts-expect-error the inside of kafkajs has no types; package.json pins its version
import Encoder from 'kafkajs/src/protocol/encoder.js';
// @ts-expect-error the inside of kafkajs has no types; package.json pins its version
import newSocketFactory from 'kafkajs/src/network/socketFactory.js';
import type { ConnectionOptions } from 'node:tls';

/*
 * What is needed of kafkajs 2.2.4 and stands in no documentation: reading without joining a group, and five repairs. Its public
 * parts do the rest. A newer kafkajs needs this file looked at first.
 */

export type ClientConfig = {
  readonly brokers: string[];
  readonly clientId: string;
  readonly ssl?: ConnectionOptions | boolean;
  readonly sasl?: SASLOptions | Mechanism;
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
  readonly enforceRequestTimeout: boolean;
  readonly retry: RetryConfig;
};

export type RetryConfig = {
  readonly initialRetryTime: number;
  readonly maxRetryTime: number;
  readonly multiplier: number;
  readonly factor: number;
  readonly retries: number;
};

export type RawMessage = {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly offset: string;
  readonly timestamp: string;
  readonly isControlRecord: boolean;
};

type TopicPartitions<P> = { readonly topic: string; readonly partitions: readonly P[] };

export type FetchedPartition = {
  readonly partition: number;
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  /** All that came, whatever it is. */
  readonly messages: readonly RawMessage[];
};

/** What a consumer is shown of it: from the offset on, no control records, nothing of transactions given up. */
export type Shown = {
  readonly fetchedOffset: string;
  readonly highWatermark: string;
  readonly messages: readonly RawMessage[];
  isEmptyIncludingFiltered(): boolean;
  lastOffset(): string;
};
export const shownOf = (topic: string, from: number, fetched: FetchedPartition): Shown =>
  new FetchedBatch(topic, String(from), fetched) as Shown;

export type BrokerClient = {
  fetch(request: {
    readonly maxWaitTime: number;
    readonly minBytes: number;
    readonly maxBytes: number;
    readonly isolationLevel: number;
    readonly topics: readonly TopicPartitions<{ partition: number; fetchOffset: string; maxBytes: number }>[];
  }): Promise<{
    readonly responses: readonly {
      readonly partitions: readonly FetchedPartition[];
    }[];
  }>;
  offsetFetch(request: {
    readonly groupId: string;
    readonly topics: readonly TopicPartitions<{ partition: number }>[];
  }): Promise<{ readonly responses: readonly TopicPartitions<{ partition: number; offset: string }>[] }>;
  offsetCommit(request: {
    readonly groupId: string;
    readonly groupGenerationId: number;
    readonly memberId: string;
    readonly topics: readonly TopicPartitions<{ partition: number; offset: string; metadata: null }>[];
  }): Promise<unknown>;
  findGroupCoordinator(group: { readonly groupId: string; readonly coordinatorType: 0 }): Promise<unknown>;
};

export type ClusterClient = {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  isConnected(): boolean;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number; readonly leader: number }[];
  findBroker(node: { readonly nodeId: number }): Promise<BrokerClient>;
  findGroupCoordinator(group: { readonly groupId: string }): Promise<BrokerClient>;
  readonly brokerPool: { findConnectedBroker(): Promise<BrokerClient> };
  fetchTopicsOffset(
    topics: readonly (TopicPartitions<{ partition: number }> & { fromBeginning?: boolean; fromTimestamp?: number })[],
  ): Promise<readonly TopicPartitions<{ partition: number; offset: string }>[]>;
};

type Silent = Record<'debug' | 'info' | 'warn' | 'error', () => void> & { namespace(): Silent };
const silent: Silent = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  namespace: () => silent,
};

/** One connection to each broker, outside any group. */
export const openCluster = (config: ClientConfig): ClusterClient =>
  new Cluster({
    ...config,
    logger: silent,
    socketFactory: newSocketFactory(),
    metadataMaxAge: 60_000,
    allowAutoTopicCreation: false,
    maxInFlightRequests: null,
    // Offsets of records that are durable, whoever wrote them.
    isolationLevel: 0,
  }) as ClusterClient;

type Queue = {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
};

/**
 * Each connection of kafkajs wakes up every millisecond for ever, to look at a queue that is empty, with a negative timeout
 * of which Node 24 warns. It only has to look when something waits.
 */
export const restTimers = (): void => {
  const methods = (RequestQueue as { prototype: { scheduleCheckPendingRequests(this: Queue): void } }).prototype;
  methods.scheduleCheckPendingRequests = function (this: Queue) {
    if (this.pending.length === 0 || this.throttleCheckTimeoutId !== null) return;
    const throttledMs = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      throttledMs > 0 ? throttledMs : 10,
    );
  };
};

type Wire = {
  readonly host: string;
  readonly port: number;
  readonly socket?: { destroy(): void };
  isConnected(): boolean;
  connect(): Promise<unknown>;
  disconnect(): Promise<unknown>;
  send(request: unknown): Promise<unknown>;
  rejectRequests(error: Error): void;
};
const { KafkaJSConnectionClosedError: Closed } = errors as {
  KafkaJSConnectionClosedError: new (text: string, at: { host: string; port: number }) => Error;
};

/** Bytes of the length that stands before each answer. */
const LENGTH_BYTES = 4;

/**
 * In kafkajs two requests that find a connection closed open it twice, and one of them ends what the other one waits for. What is
 * in flight when a connection is given up hears of it late, if ever; and what had come of an answer when it broke stands before all
 * that the next one brings. Here a connection is opened once at a time, anew, and its end is heard by all that wait.
 */
export const mendConnections = (): void => {
  const wire = (Connection as { prototype: Wire }).prototype;
  const { connect, disconnect } = wire;
  const connecting = new WeakMap<Wire, Promise<unknown>>();
  const closing = new WeakMap<Wire, Promise<unknown>>();
  wire.connect = function (this: Wire) {
    const open = async (): Promise<unknown> => {
      await closing.get(this);
      this.socket?.destroy();
      Object.assign(this, { chunks: [], bytesBuffered: 0, bytesNeeded: LENGTH_BYTES });
      return connect.call(this);
    };
    if (this.isConnected()) return connect.call(this);
    const opening = connecting.get(this) ?? open().finally(() => connecting.delete(this));
    connecting.set(this, opening);
    return opening;
  };
  wire.disconnect = function (this: Wire) {
    const closed = disconnect.call(this);
    closing.set(this, closed);
    const { host, port } = this;
    this.rejectRequests(new Closed(`the connection to ${host}:${port} was given up`, { host, port }));
    return closed;
  };
};

/**
 * A broker that does not answer in time, as one behind a broken network, keeps its connection in kafkajs, which asks it
 * again and again for a minute and never asks another who leads now. Kafka's own client takes it for gone; so does this.
 */
export const dropSilentBrokers = (): void => {
  const wire = (Connection as { prototype: Wire }).prototype;
  const { send } = wire;
  wire.send = async function (this: Wire, request) {
    const { socket, host, port } = this;
    try {
      return await send.call(this, request);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'KafkaJSRequestTimeoutError') throw error;
      // Another request may have found out before, and there is a new connection already.
      if (socket !== undefined && socket === this.socket) {
        socket.destroy();
        await this.disconnect();
      }
      throw new Closed(`${host}:${port} does not answer: ${error.message}`, { host, port });
    }
  };
};

type Coordinator = { heartbeat(request: unknown): Promise<unknown> };

/** All that fetch for a member stop within this time, and each of them asks the coordinator once more. */
const STOP_MS = 1_000;

/**
 * A member whose coordinator is gone asks it again and again, is then thrown away, and its successor waits for the session
 * of its predecessor to end. What it is told here is what a coordinator says that is none any more: find the other one.
 */
export const findOtherCoordinators = (): void => {
  const coordinator = (Broker as { prototype: Coordinator }).prototype;
  const { heartbeat } = coordinator;
  const gone = new WeakMap<Coordinator, { readonly atMs: number; readonly error: Error }>();
  coordinator.heartbeat = async function (this: Coordinator, request) {
    const before = gone.get(this);
    if (before !== undefined && performance.now() - before.atMs < STOP_MS) throw before.error;
    try {
      return await heartbeat.call(this, request);
    } catch (error) {
      if (!(error instanceof Error) || !error.name.startsWith('KafkaJSConnection')) throw error;
      Object.assign(error, { type: 'NOT_COORDINATOR_FOR_GROUP' });
      gone.set(this, { atMs: performance.now(), error });
      throw error;
    }
  };
};

type Written = { readonly buf: Buffer; offset: number };
type NumberEncoder = {
  readonly prototype: {
    ensureAvailable(this: Written, bytes: number): void;
    writeUVarInt(this: Written, value: number): Written;
    writeVarInt(this: Written, value: number): Written;
    writeVarLong(this: Written, value: unknown): Written;
  };
  sizeOfVarInt(value: number): number;
  sizeOfVarLong(value: unknown): number;
};

const VARINT_BYTES = 5;
/** The numbers of which an int's way of being written is a long's. */
const isInt = (value: unknown): value is number => Number.isInteger(value) && Math.abs(value as number) < 2 ** 30;

/**
 * kafkajs makes an array and a buffer of each number of a record, and of a time that is 0 some objects beside: two thirds of
 * what writing a record takes. Here a number goes where it belongs.
 */
export const writeNumbersInPlace = (): void => {
  const encoder = Encoder as NumberEncoder;
  const { prototype, sizeOfVarLong } = encoder;
  const { writeVarLong } = prototype;
  prototype.writeUVarInt = function (value) {
    prototype.ensureAvailable.call(this, VARINT_BYTES);
    let left = value >>> 0;
    for (; left > 0x7f; left >>>= 7) this.buf[this.offset++] = (left & 0x7f) | 0x80;
    this.buf[this.offset++] = left;
    return this;
  };
  prototype.writeVarLong = function (value) {
    return isInt(value) ? prototype.writeVarInt.call(this, value) : writeVarLong.call(this, value);
  };
  encoder.sizeOfVarLong = (value) => (isInt(value) ? encoder.sizeOfVarInt(value) : sizeOfVarLong.call(encoder, value));
};
