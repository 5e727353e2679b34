import { createHash } from 'node:crypto';

/** A Lua script, called by its hash. */
export type Script = { readonly text: string; readonly sha: string };

const script = (text: string): Script => ({ text, sha: createHash('sha1').update(text).digest('hex') });

/*
 * Each script is one atomic step on one partition, whose keys share a hash tag:
 *   KEYS[1] head    hash: nonce of the owner, offset, `by` (the nonce that committed it), checkpoint as JSON
 *   KEYS[2] rows    hash: key -> JSON [dueMs, version, state as it is packed]
 *   KEYS[3] timers  sorted set: key by a time no later than the row's due
 *   KEYS[4] staged  hash: the parts of a commit too large for one call
 * One hash for all rows: a discard is one UNLINK, so nobody ever sees rows of another time than the checkpoint's.
 *
 * While a slot moves to another node, a script that names a key which is on neither is refused (`TRYAGAIN`): so KEYS[4]
 * is named only where it is used.
 *
 * Redis does not undo a script that fails: everything that could go wrong is asked before the first write. The first
 * write is one that a full server refuses (`OOM`); once one has passed, Redis lets the rest of the script pass, too.
 * Numbers stay the texts that they came as, since Lua would round them.
 */

/** How Lua's stack bounds what `unpack` may hand over. An even number, for pairs. */
const SLICE = 4_000;

/**
 * A nonce starts with a number that grows with each opening, by the server's clock. So a store that went back (another
 * server took over, or was emptied) is told from one that a newer owner has opened.
 */
const OWNERSHIP = `
local function epochOf(nonce) return tonumber(string.match(nonce, '^%d+')) end
local function refusal(stored, nonce)
  if stored == nonce then return nil end
  if not stored or epochOf(stored) < epochOf(nonce) then return 'rewound' end
  return 'fenced'
end`;

const SLICES = `
local function sliced(command, key, option, args, first, count)
  for at = first, first + count - 1, ${SLICE} do
    local last = math.min(at + ${SLICE}, first + count) - 1
    if option then redis.call(command, key, option, unpack(args, at, last))
    else redis.call(command, key, unpack(args, at, last)) end
  end
end
local function rowsOf(key, args, first)
  local rows = {}
  for at = first, #args, ${SLICE} do
    local slice = redis.call('HMGET', key, unpack(args, at, math.min(at + ${SLICE} - 1, #args)))
    for i = 1, #slice do rows[#rows + 1] = slice[i] end
  end
  return rows
end`;

/** ARGV: '1' to discard, a unique text. Answers {nonce, checkpoint or null}. */
export const OPEN = script(`${OWNERSHIP}
-- Nothing changes by these. A user who may not call one of them is told here, not half way through a commit.
redis.call('ZADD', KEYS[3], 'XX', 0, '')
redis.call('ZREM', KEYS[3], '')
redis.call('HDEL', KEYS[4], '')
redis.call('UNLINK', KEYS[4])
local head = redis.call('HMGET', KEYS[1], 'nonce', 'checkpoint')
local time = redis.call('TIME')
local epoch = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if head[1] then epoch = math.max(epoch, epochOf(head[1]) + 1) end
local nonce = string.format('%.0f-%s', epoch, ARGV[2])
local checkpoint = head[2]
if ARGV[1] == '1' or not checkpoint then
  redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
  checkpoint = false
end
redis.call('HSET', KEYS[1], 'nonce', nonce)
return {nonce, checkpoint}`);

/** So many timers come with one call: Redis does nothing else meanwhile, and an answer must come in time. */
const TIMERS = 2_000;

/**
 * ARGV: nonce, from, dueUntilMs, where to start and how many timers of that time to skip, keys. Answers {'loaded', rows of
 * the keys, keys due, their rows, where to start the next call or null, how many to skip then} or {refusal}. All that is
 * due before the next start has come by then.
 *
 * A beat moves its row's due back and leaves the timer where it is; here, where it comes up, it is put in its place.
 */
export const LOAD = script(`${OWNERSHIP}${SLICES}
local head = redis.call('HMGET', KEYS[1], 'nonce', 'offset')
local refused = refusal(head[1], ARGV[1])
if refused then return {refused} end
if (head[2] or '') ~= ARGV[2] then return {'rewound'} end
local scored = redis.call('ZRANGEBYSCORE', KEYS[3], ARGV[4], ARGV[3], 'WITHSCORES', 'LIMIT', ARGV[5], ${TIMERS})
local timers, scores = {}, {}
for i = 1, #scored, 2 do
  timers[#timers + 1] = scored[i]
  scores[#scores + 1] = tonumber(scored[i + 1])
end
-- Of a full page all that is due before its last timer is known; at that one's time there may be more.
local full = #timers == ${TIMERS}
local last = full and scores[#scores]
local ties = full and scores[1] == last
local limit = tonumber(ARGV[3])
local rows = rowsOf(KEYS[2], timers, 1)
local keys, due, moved, gone = {}, {}, {}, {}
for i = 1, #timers do
  local text = rows[i] and string.match(rows[i], '^%[([^,]*),')
  local at = text and tonumber(text)
  if not at then
    gone[#gone + 1] = timers[i]
  else
    if at > scores[i] then
      moved[#moved + 1] = text
      moved[#moved + 1] = timers[i]
    end
    local known = not full or at < last or (ties and at == last)
    if at <= limit and known then
      keys[#keys + 1] = timers[i]
      due[#due + 1] = rows[i]
    end
  end
end
sliced('ZADD', KEYS[3], 'XX', moved, 1, #moved)
sliced('ZREM', KEYS[3], nil, gone, 1, #gone)
local asked = rowsOf(KEYS[2], ARGV, 6)
local skip = ties and #keys + (scores[1] == tonumber(ARGV[4]) and tonumber(ARGV[5]) or 0) or 0
return {'loaded', asked, keys, due, full and scored[#scored], skip}`);

/** ARGV: nonce, id of the commit, number of this part, its change (four texts). Answers 'staged' or a refusal. */
export const STAGE = script(`${OWNERSHIP}
local refused = refusal(redis.call('HGET', KEYS[1], 'nonce'), ARGV[1])
if refused then return refused end
if redis.call('HGET', KEYS[4], 'id') ~= ARGV[2] then redis.call('UNLINK', KEYS[4]) end
redis.call('HSET', KEYS[4], 'id', ARGV[2], ARGV[3], cmsgpack.pack({ARGV[4], ARGV[5], ARGV[6], ARGV[7]}))
return 'staged'`);

/**
 * ARGV: nonce, from, to, checkpoint, id of the commit, parts staged before, then a change: see `Change`. Answers an outcome, or
 * 'unstaged'.
 */
export const COMMIT = script(`${OWNERSHIP}${SLICES}
local head = redis.call('HMGET', KEYS[1], 'nonce', 'offset', 'by')
local refused = refusal(head[1], ARGV[1])
if refused then return refused end
local parts = tonumber(ARGV[6])
if (head[2] or '') ~= ARGV[2] then
  if head[2] ~= ARGV[3] or head[3] ~= ARGV[1] then return 'rewound' end
  if parts > 0 then redis.call('UNLINK', KEYS[4]) end
  return 'already'
end
local staged = {}
if parts > 0 then
  if redis.call('HGET', KEYS[4], 'id') ~= ARGV[5] then return 'unstaged' end
  for i = 1, parts do
    local part = redis.call('HGET', KEYS[4], tostring(i))
    if not part then return 'unstaged' end
    staged[i] = cmsgpack.unpack(part)
  end
end
local find, sub = string.find, string.sub
local function linesOf(text)
  local lines, n, at = {}, 0, 1
  while true do
    local to = find(text, '\\n', at, true)
    if not to then return lines, n end
    n = n + 1
    lines[n] = sub(text, at, to - 1)
    at = to + 1
  end
end
local function each(command, key, option, text)
  local lines, n = linesOf(text)
  sliced(command, key, option, lines, 1, n)
end
local function apply(rows, timers, idle, gone)
  each('HSET', KEYS[2], nil, rows)
  each('ZADD', KEYS[3], 'LT', timers)
  each('ZREM', KEYS[3], nil, idle)
  each('HDEL', KEYS[2], nil, gone)
end
redis.call('HSET', KEYS[1], 'offset', ARGV[3], 'by', ARGV[1], 'checkpoint', ARGV[4])
for i = 1, parts do apply(unpack(staged[i])) end
apply(ARGV[7], ARGV[8], ARGV[9], ARGV[10])
if parts > 0 then redis.call('UNLINK', KEYS[4]) end
return 'committed'`);

/** ARGV: keys. Answers {checkpoint or null, rows}. */
export const READ = script(`${SLICES}
return {redis.call('HGET', KEYS[1], 'checkpoint'), rowsOf(KEYS[2], ARGV, 1)}`);
