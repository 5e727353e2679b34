import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { allErrorsAjv, escapePointer, MAX_FIELD_ERRORS, pointerParts, toFieldErrors } from './field-errors.ts';
import type {
  FieldError,
  OneOrMore,
  Policy,
  PolicyDocument,
  PolicyDocumentMatch,
  PolicyDocumentRule,
  PolicyMatch,
  PolicyRule,
} from './generated/http.ts';
import { schemaId } from './http-schemas.ts';
import { MINUTE_MS, SECOND_MS } from './time.ts';

/** What a rule says when neither it nor the policy's `defaults` say anything. */
export const RULE_DEFAULTS = {
  mode: 'enforce',
  countBy: 'sessions',
  onExceed: 'deny-newest',
  sameDevice: 'replace',
  /** Three missed beats and 5 s. */
  leaseMs: 35 * SECOND_MS,
  /** Two missed beats and 2 s. */
  lateMs: 22 * SECOND_MS,
  pausedHoldsMs: 5 * MINUTE_MS,
  failMode: 'open',
} as const satisfies Partial<PolicyRule>;

export type PolicyError = FieldError & { readonly line?: number };
export type ParsedPolicy =
  { readonly ok: true; readonly policy: Policy } | { readonly ok: false; readonly errors: readonly PolicyError[] };

const isDocument = allErrorsAjv.compile<PolicyDocument>({ $ref: schemaId('policy-document') });
const isPolicy = allErrorsAjv.compile<Policy>({ $ref: schemaId('policy') });

/** A policy is a few kilobytes; more than this is no policy. */
const MAX_POLICY_CHARACTERS = 1_000_000;

/**
 * Reads a policy as people write it (YAML, so JSON too) and fills in every default, so that a fold needs none. All
 * errors are named with their path, at most 20; an unknown field is one, since a typo must not switch a rule off.
 */
export const parsePolicy = (text: string, options: { metadataKeys: readonly string[] }): ParsedPolicy => {
  if (text.length > MAX_POLICY_CHARACTERS) {
    return {
      ok: false,
      errors: [{ path: '', code: 'RANGE', detail: `must have at most ${MAX_POLICY_CHARACTERS} characters` }],
    };
  }
  const lines = new LineCounter();
  const source = parseDocument(text, { lineCounter: lines, version: '1.2', stringKeys: true });
  if (source.errors.length > 0) {
    const errors = source.errors.map((error): PolicyError => ({
      path: '',
      code: 'FORMAT',
      detail: error.message.split('\n')[0] ?? 'is not YAML',
      line: lines.linePos(error.pos[0]).line,
    }));
    return { ok: false, errors: errors.slice(0, MAX_FIELD_ERRORS) };
  }
  let body: unknown;
  try {
    body = source.toJS({ maxAliasCount: 100 });
  } catch {
    // Aliases that multiply.
    return { ok: false, errors: [{ path: '', code: 'RANGE', detail: 'has too many aliases' }] };
  }
  const errors = isDocument(body) ? meaningErrors(body, options.metadataKeys) : toFieldErrors(isDocument.errors, body);
  if (errors.length > 0 || !isDocument(body)) {
    return { ok: false, errors: errors.slice(0, MAX_FIELD_ERRORS).map((error) => withLine(error, source, lines)) };
  }
  return { ok: true, policy: filled(body) };
};

/** What a schema cannot say. */
const meaningErrors = (document: PolicyDocument, metadataKeys: readonly string[]): readonly FieldError[] => {
  const errors: FieldError[] = [...latenessErrors('/defaults', filledDefaults(document))];
  const firstWithId = new Map<string, number>();
  document.rules.forEach((rule, index) => {
    const at = `/rules/${index}`;
    const first = firstWithId.get(rule.id);
    if (first === undefined) firstWithId.set(rule.id, index);
    else errors.push({ path: `${at}/id`, code: 'DUPLICATE', detail: `is the id of rule ${first} too` });

    const path = `${at}/limitWithoutClaim`;
    if (namesClaim(rule) && rule.limitWithoutClaim === undefined) {
      errors.push({ path, code: 'REQUIRED', detail: `is required, for tokens without the claim ${rule.limit}` });
    }
    if (!namesClaim(rule) && rule.limitWithoutClaim !== undefined) {
      errors.push({ path, code: 'UNKNOWN', detail: 'means nothing, since the limit names no claim' });
    }

    // Else it is said once, of the defaults.
    if (rule.lateMs !== undefined || rule.leaseMs !== undefined) {
      errors.push(...latenessErrors(at, filledRule(rule, document.defaults)));
    }
    for (const key of Object.keys(rule.match?.metadata ?? {})) {
      if (!metadataKeys.includes(key)) {
        const detail =
          metadataKeys.length === 0 ? 'is not declared; none are' : `is not declared: ${metadataKeys.join(', ')} are`;
        errors.push({ path: `${at}/match/metadata/${escapePointer(key)}`, code: 'UNKNOWN', detail });
      }
    }
  });
  return errors;
};

const namesClaim = (rule: PolicyDocumentRule): boolean => typeof rule.limit === 'string' && rule.limit !== 'none';

const latenessErrors = (
  at: string,
  { lateMs, leaseMs }: Pick<PolicyRule, 'lateMs' | 'leaseMs'>,
): readonly FieldError[] =>
  lateMs < leaseMs
    ? []
    : [
        {
          path: `${at}/lateMs`,
          code: 'RANGE',
          detail: `must be less than leaseMs: ${lateMs} is not less than ${leaseMs}`,
        },
      ];

const filledDefaults = ({ defaults }: PolicyDocument): Policy['defaults'] => ({
  leaseMs: defaults?.leaseMs ?? RULE_DEFAULTS.leaseMs,
  lateMs: defaults?.lateMs ?? RULE_DEFAULTS.lateMs,
  pausedHoldsMs: defaults?.pausedHoldsMs ?? RULE_DEFAULTS.pausedHoldsMs,
});

const filled = (document: PolicyDocument): Policy => ({
  version: document.version,
  ...(document.description === undefined ? {} : { description: document.description }),
  defaults: filledDefaults(document),
  rules: document.rules.map((rule) => filledRule(rule, document.defaults)),
});

const filledRule = (rule: PolicyDocumentRule, defaults: PolicyDocument['defaults']): PolicyRule => ({
  ...RULE_DEFAULTS,
  ...defaults,
  ...rule,
  match: filledMatch(rule.match ?? {}),
});

/** Lists everywhere, so that a fold has one way to match. */
const filledMatch = (match: PolicyDocumentMatch): PolicyMatch => ({
  ...(match.contentType === undefined ? {} : { contentType: listOf(match.contentType) }),
  ...(match.contentId === undefined ? {} : { contentId: listOf(match.contentId) }),
  ...(match.deviceType === undefined ? {} : { deviceType: listOf(match.deviceType) }),
  ...(match.country === undefined ? {} : { country: listOf(match.country) }),
  ...(match.plan === undefined ? {} : { plan: listOf(match.plan) }),
  ...(match.metadata === undefined ? {} : { metadata: listsOf(match.metadata) }),
});

const listOf = <T extends string>(value: T | readonly T[]): readonly T[] =>
  typeof value === 'string' ? [value] : value;
const listsOf = (values: Readonly<Record<string, OneOrMore>>): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, listOf(value)]));

/** The line of a field, or of the nearest thing around it that is there. */
const withLine = (error: FieldError, source: Document, lines: LineCounter): PolicyError => {
  let node: unknown = source.contents;
  let offset = offsetOf(node);
  for (const part of pointerParts(error.path)) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === part);
      if (pair === undefined) break;
      offset = offsetOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = offsetOf(node) ?? offset;
    } else break;
  }
  return offset === undefined ? error : { ...error, line: lines.linePos(offset).line };
};

const offsetOf = (node: unknown): number | undefined => {
  const range = typeof node === 'object' && node !== null && 'range' in node ? (node as Node).range : undefined;
  return range?.[0];
};

/**
 * The policy of a control record, which was filled and checked when it was made. Throws on anything else: to go on
 * without it would decide wrongly.
 */
export const policyFromJson = (text: string): Policy => {
  const policy: unknown = JSON.parse(text);
  if (isPolicy(policy)) return policy;
  const [first] = toFieldErrors(isPolicy.errors, policy);
  throw new Error(`not a policy: ${first === undefined ? 'unknown fault' : `${first.path} ${first.detail}`}`);
};
