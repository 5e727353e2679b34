/**
 * What operations promise, over 30 days. Each is a share of what could have gone well; what a caller does wrong counts neither way.
 * `playbeat_objective_total` counts both sides, and `infra/alarms.ts` says how fast a month's faults may be used up.
 */
export type Objective = { readonly share: number; readonly says: string };

/** How long a start may take; the fail mode answers later ones. */
export const START_WITHIN_MS = 500;
/** How old a record may be when it is folded into decisions. */
export const FRESH_WITHIN_MS = 5_000;

export const OBJECTIVES = {
  heartbeats: { share: 0.999_5, says: 'Heartbeats are stored: not refused for a fault of ours (5xx).' },
  starts: { share: 0.999, says: 'Starts are decided within 500 ms, knowing the newest state.' },
  freshness: {
    share: 0.999,
    says: 'Records are in decisions within 5 s of being stored; those made again after a loss of state are not counted.',
  },
} as const satisfies Record<string, Objective>;

export type ObjectiveName = keyof typeof OBJECTIVES;
