import {
  createTraceState,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace as traces,
  TraceFlags,
  type Context,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Trace } from '../../schemas/generated/records.ts';
import { traceparentOf } from './trace-context.ts';
import type { Spans } from './tracing.ts';

/** Spans leave this long after they end, or when so many wait. */
const SEND_AFTER_MS = 1_000;
const EXPORT_TIMEOUT_MS = 5_000;

/**
 * Spans over OTLP/HTTP, by OpenTelemetry's names for HTTP and for messaging. No id of a person is in them: a route stands for its path,
 * and of a record its position.
 */
export const otlpSpans = ({
  endpoint,
  nodeId,
  system,
}: {
  readonly endpoint: string;
  readonly nodeId: string;
  readonly system: string;
}): Spans => {
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'playbeat', 'service.instance.id': nodeId }),
    // Who is asked here has been chosen before.
    sampler: new AlwaysOnSampler(),
    spanProcessors: [
      new BatchSpanProcessor({ exporter, scheduledDelayMillis: SEND_AFTER_MS, exportTimeoutMillis: EXPORT_TIMEOUT_MS }),
    ],
  });
  const tracer = provider.getTracer('playbeat');
  return {
    serve: (trace, res, { method, path }) => {
      const attributes = { 'http.request.method': method, 'http.route': path, 'url.scheme': 'http' };
      const span = tracer.startSpan(`${method} ${path}`, { kind: SpanKind.SERVER, attributes }, parentOf(trace));
      res.once('close', () => {
        span.setAttribute('http.response.status_code', res.statusCode);
        if (res.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      });
      const { traceId, spanId } = span.spanContext();
      return { ...trace, traceparent: traceparentOf(traceId, spanId) };
    },
    decided: ({ processor, topic, partition, offset, value, trace }) => {
      const attributes = {
        'messaging.system': system,
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.destination.name': topic,
        'messaging.destination.partition.id': String(partition),
        'messaging.consumer.group.name': processor,
        'messaging.kafka.offset': offset,
        'playbeat.outcome': value.outcome,
        'playbeat.reason': value.reason,
        ...(value.rule === null ? {} : { 'playbeat.rule': value.rule }),
      };
      // From when the log had the record: what it waited is what one looks for.
      const options = { kind: SpanKind.CONSUMER, attributes, startTime: value.decidedAtMs };
      tracer.startSpan(`process ${topic}`, options, parentOf(trace)).end();
    },
    close: () => provider.shutdown().catch(() => {}),
  };
};

const parentOf = ({ traceparent, tracestate }: Trace): Context => {
  const [, traceId = '', spanId = ''] = traceparent.split('-');
  const state = tracestate === null ? {} : { traceState: createTraceState(tracestate) };
  return traces.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
    ...state,
  });
};
