import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { StreamDecided, Trace } from '../../schemas/generated/records.ts';
import { traceIn, traceparentOf } from './trace-context.ts';

/**
 * What is watched of single calls, from the player's to the decision. Only calls that somebody watches cost anything: their callers
 * say so in `traceparent`, or one in so many is chosen here.
 */
export type Tracing = {
  /** The trace of a call of the route, as what the call causes continues it; null for nearly all. */
  serve(
    req: IncomingMessage,
    res: ServerResponse,
    route: { readonly method: string; readonly path: string },
  ): Trace | null;
  /** A fold came to a decision because of a record that carried a trace. */
  decided(decision: Decided): void;
  /** Resolves when all spans have been sent, or cannot be. */
  close(): Promise<void>;
};

export type Decided = {
  readonly processor: string;
  readonly topic: string;
  readonly partition: number;
  /** Of the record that caused it. */
  readonly offset: number;
  readonly value: Pick<StreamDecided, 'outcome' | 'reason' | 'rule' | 'decidedAtMs'>;
  readonly trace: Trace;
};

/** What makes spans of it: see `otlp-spans.ts`. */
export type Spans = {
  /** The trace as it goes on from the span of this call, which ends with its answer. */
  serve(trace: Trace, res: ServerResponse, route: { readonly method: string; readonly path: string }): Trace;
  decided(decision: Decided): void;
  close(): Promise<void>;
};

export type TracingOptions = {
  /** Where OTLP over HTTP is taken; null: traces are carried on, and no spans are made. */
  readonly endpoint: string | null;
  /** Of the calls that bring no trace context, one in so many starts a trace; 0: none. */
  readonly sampleOneIn: number;
  readonly nodeId: string;
  /** What stands for the log in spans: `kafka`, or `playbeat` where it is embedded. */
  readonly system: string;
};

export const openTracing = async ({ endpoint, sampleOneIn, nodeId, system }: TracingOptions): Promise<Tracing> => {
  // Loaded only where it is wanted: who watches no calls does not wait for its packages.
  const spans = endpoint === null ? null : (await import('./otlp-spans.ts')).otlpSpans({ endpoint, nodeId, system });
  let calls = 0;
  const chosen = (): Trace | undefined => {
    if (sampleOneIn === 0 || (calls += 1) % sampleOneIn !== 0) return undefined;
    const traceparent = traceparentOf(randomBytes(16).toString('hex'), randomBytes(8).toString('hex'));
    return { traceparent, tracestate: null };
  };
  return {
    serve: (req, res, route) => {
      const { traceparent } = req.headers;
      if (traceparent === undefined && sampleOneIn === 0) return null;
      const trace = traceparent === undefined ? chosen() : traceIn(req.headers);
      if (trace === undefined) return null;
      return spans === null ? trace : spans.serve(trace, res, route);
    },
    decided: (decision) => spans?.decided(decision),
    close: async () => spans?.close(),
  };
};
