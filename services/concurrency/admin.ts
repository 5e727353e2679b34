import { parsePolicy } from '../../schemas/policy.ts';
import { readBody, readJson } from '../../shared/http/body.ts';
import { type Call, ProblemError, type Reply } from '../../shared/http/call.ts';
import { invalid } from '../../shared/http/query.ts';
import type { Route } from '../../shared/http/route.ts';
import type { Activation, ActivateOutcome } from './activation.ts';

export type PolicyAdmin = { readonly activation: Activation; readonly metadataKeys: readonly string[] };

const MAX_POLICY_BYTES = 256 * 1_024;

/** `MALFORMED_JSON` is also what a body that says gzip and is none gets. */
const BODY_PROBLEMS = ['MALFORMED_JSON', 'BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE', 'UNSUPPORTED_ENCODING'] as const;

/** How operators change what is decided by. All on the admin port. */
export const policyRoutes = (admin: PolicyAdmin): readonly Route[] => [
  {
    method: 'GET',
    path: '/admin/policies',
    operationId: 'listPolicies',
    summary: 'Every policy that is kept, and which one is in force.',
    port: 'admin',
    callers: ['admin'],
    touches: 'nobody',
    responses: { 200: 'object' },
    problems: [],
    handle: () => ({ status: 200, body: listed(admin) }),
  },
  {
    method: 'POST',
    path: '/admin/policies',
    operationId: 'storePolicy',
    summary: 'Keeps a policy (YAML or JSON, at most 256 KB) for later activation.',
    port: 'admin',
    callers: ['admin'],
    touches: 'nobody',
    request: 'policy-document',
    responses: { 200: 'object', 201: 'object' },
    problems: ['POLICY_INVALID', 'POLICY_VERSION_NOT_NEWER', ...BODY_PROBLEMS],
    handle: (call) => storePolicy(admin, call),
  },
  {
    method: 'POST',
    path: '/admin/policies/{version}/activate',
    operationId: 'activatePolicy',
    summary: 'From now on every partition decides by this policy.',
    port: 'admin',
    callers: ['admin'],
    touches: 'nobody',
    responses: { 200: 'object' },
    problems: ['POLICY_NOT_FOUND', 'POLICY_VERSION_NOT_NEWER'],
    handle: async (call) => {
      const version = Number(call.params['version']);
      return outcome(admin, await admin.activation.activate(version, 'admin'), call.params['version'] ?? '');
    },
  },
  {
    method: 'POST',
    path: '/admin/mode',
    operationId: 'setMode',
    summary: 'Turns every rule to observe (decide and record, answer allow), or back to enforce.',
    port: 'admin',
    callers: ['admin'],
    touches: 'nobody',
    request: 'mode-request',
    responses: { 200: 'object' },
    problems: ['VALIDATION_FAILED', 'TOO_DEEP', 'POLICY_NOT_FOUND', ...BODY_PROBLEMS],
    handle: async (call) => {
      const body = await readJson(call.req, 1_024);
      const mode = typeof body === 'object' && body !== null && 'mode' in body ? body.mode : undefined;
      if (mode !== 'observe' && mode !== 'enforce') throw invalid('/mode', 'ENUM', 'must be observe or enforce');
      return outcome(admin, await admin.activation.setMode(mode, 'admin'), 'active');
    },
  },
];

const listed = ({ activation }: PolicyAdmin): unknown => {
  const active = activation.active();
  return {
    active:
      active === null ? null : { version: active.version, mode: active.mode, activatedAtMs: active.activatedAtMs },
    policies: activation.policies().map(({ version, policy, storedAtMs, by }) => ({
      version,
      storedAtMs,
      by,
      policy: JSON.parse(policy) as unknown,
    })),
  };
};

const storePolicy = async (admin: PolicyAdmin, call: Call): Promise<Reply> => {
  const text = await readText(call);
  const parsed = parsePolicy(text, { metadataKeys: admin.metadataKeys });
  if (!parsed.ok) {
    const detail = parsed.errors.map((e) => `${e.path || '/'}: ${e.detail}`).join('; ');
    throw new ProblemError('POLICY_INVALID', detail, { errors: parsed.errors });
  }
  const stored = await admin.activation.store(parsed.policy, 'admin');
  if (stored === 'not-newer') {
    throw new ProblemError(
      'POLICY_VERSION_NOT_NEWER',
      `version ${parsed.policy.version} is not newer than all that are kept`,
    );
  }
  return { status: stored === 'stored' ? 201 : 200, body: { version: parsed.policy.version } };
};

const readText = (call: Call): Promise<string> =>
  new Promise((resolve, reject) => {
    readBody(call.req, MAX_POLICY_BYTES, (error, body) =>
      error === null ? resolve(body.toString('utf8')) : reject(error),
    );
  });

const outcome = ({ activation }: PolicyAdmin, result: ActivateOutcome, version: string): Reply => {
  if (result === 'not-found') throw new ProblemError('POLICY_NOT_FOUND', `there is no policy ${version}`);
  if (result === 'not-newer') {
    throw new ProblemError('POLICY_VERSION_NOT_NEWER', `version ${version} is older than the one in force`);
  }
  const active = activation.active();
  return { status: 200, body: { version: active?.version, mode: active?.mode, activatedAtMs: active?.activatedAtMs } };
};
