import { Agent } from 'node:http';
import type { Decision } from '../../schemas/generated/http.ts';
import { send } from './http.ts';
import { start } from './player.ts';

export type RacesReport = {
  readonly rounds: number;
  readonly violations: readonly string[];
  readonly slowestMs: number;
};

export type RacesOptions = {
  /** The addresses of the service, asked before each round: clients are spread over them. */
  readonly urls: () => readonly string[];
  readonly rounds: number;
  readonly clients: number;
  readonly onRound?: (round: number) => void;
};

/**
 * In each round one stream of a household runs, the limit is two, and all clients start at once, each with its own
 * connection, device and session: exactly one may win, and who lost is told by whom.
 */
export const runRaces = async ({ urls, rounds, clients, onRound }: RacesOptions): Promise<RacesReport> => {
  const agents = Array.from({ length: clients }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  const violations: string[] = [];
  let slowestMs = 0;
  try {
    for (let round = 1; round <= rounds; round++) {
      const accountId = `race-${process.pid}-${round}`;
      const places = urls();
      const first = await send(places[0]!, { path: '/v1/sessions', body: start({ accountId, sessionId: 'first' }) });
      if (first.status !== 201) violations.push(`round ${round}: the first of two was answered ${first.text}`);
      const startedMs = performance.now();
      const answers = await Promise.all(
        agents.map((agent, i) =>
          send(places[i % places.length]!, {
            path: '/v1/sessions',
            body: start({ accountId, sessionId: `s-${i}` }),
            agent,
          }),
        ),
      );
      slowestMs = Math.max(slowestMs, performance.now() - startedMs);
      const won = answers.flatMap(({ status }, i) => (status === 201 ? [`s-${i}`] : []));
      const lost = answers.filter(({ status }) => status === 409).map(({ json }) => json as Decision);
      if (won.length !== 1) violations.push(`round ${round}: ${won.length} won (${won.join(', ')})`);
      if (won.length + lost.length !== clients)
        violations.push(`round ${round}: ${clients - won.length - lost.length} others`);
      for (const answer of answers) {
        const { degraded } = answer.json as Decision;
        if (degraded) violations.push(`round ${round}: a degraded answer, ${answer.text}`);
      }
      for (const { sessionId, reason, active } of lost) {
        const holders = active?.map((s) => s.sessionId).join() ?? '';
        if (reason !== 'LIMIT_REACHED' || holders !== `first,${won[0]}`) {
          violations.push(`round ${round}: ${sessionId} lost by ${reason} to ${holders}, and ${won[0]} won`);
        }
      }
      onRound?.(round);
    }
  } finally {
    for (const agent of agents) agent.destroy();
  }
  return { rounds, violations, slowestMs };
};
