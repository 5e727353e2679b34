/* global window, navigator, performance, XMLHttpRequest, setTimeout, clearTimeout */
/**
 * The Playbeat part of a player in ES5, for televisions and old browsers: no fetch, no Promise. Copy it and change it.
 * `options`: url (no slash at the end); ids: { sessionId (new for each playback), accountId, profileId, deviceId,
 * deviceType, contentId, contentType, deviceName }; positionMs(); onAllowed(reply): begin, and not before;
 * onRefused(problem): show the sentence of problem.reason and problem.active; onStop(decision): stop the picture.
 */
window.playbeat = function (options) {
  'use strict';
  var phase = 'asking'; // then playing, ending (its last beats are on their way), over
  var state = 'starting';
  var sequence = 0;
  var position = 0;
  var token;
  var queue = []; // beats that no answer has taken: the newest 1000
  var busy = false; // a call or its retry is on its way
  var failures = 0;
  var intervalMs = 10000;
  var timer;
  /** Ages are measured by a clock that nobody sets, where there is one. */
  function nowMs() {
    return window.performance ? performance.now() : new Date().getTime();
  }
  /** JSON as text/plain: no preflight. Calls back once, with status 0 where no answer came in 3 s. */
  function post(url, body, done, waits) {
    var xhr = new XMLHttpRequest();
    function finish(status) {
      if (late === null) return;
      clearTimeout(late);
      late = null;
      done(status, status > 0 && xhr.responseText.charAt(0) === '{' ? JSON.parse(xhr.responseText) : {});
    }
    var late = setTimeout(function () {
      finish(0);
      xhr.abort();
    }, 3000);
    xhr.open('POST', url, !waits);
    xhr.setRequestHeader('Content-Type', 'text/plain');
    xhr.onreadystatechange = function () {
      if (xhr.readyState === 4) finish(xhr.status);
    };
    xhr.send(JSON.stringify(body));
  }
  /** No answer, 408, 429, 5xx: true, and `run` comes later with the same, after 1 s to 10 s times 1 to 1.5. */
  function retried(status, reply, run) {
    var wait = Math.max(reply.retryAfterMs || 0, Math.min(10000, 1000 * Math.pow(2, failures)));
    busy = status === 0 || status === 408 || status === 429 || status >= 500;
    failures = busy ? failures + 1 : 0;
    if (busy) setTimeout(run, wait * (1 + Math.random() / 2));
    return busy;
  }
  function newBeat() {
    var now = Math.round(options.positionMs());
    if (now >= 0) position = now; // not where it is NaN
    return { sequence: sequence++, state: state, positionMs: position, sentAtMs: new Date().getTime() };
  }
  /** The first call; and again when the token is no longer good: a running session gets a new one. */
  function start() {
    var body = newBeat();
    for (var name in options.ids) body[name] = options.ids[name];
    body.requestId = options.ids.sessionId + '-' + body.sequence;
    if (state === 'seeking') body.state = 'buffering';
    busy = true;
    ask(body);
  }
  function ask(body) {
    post(options.url + '/v1/sessions', body, function (status, reply) {
      var asking = phase === 'asking';
      if (phase === 'over') return status === 201 && leave(reply.sessionToken); // ended meanwhile
      if (retried(status, reply, ask.bind(null, body))) return;
      if (status !== 201) return (asking || reply.decision === 'stop') && over(reply);
      token = reply.sessionToken;
      intervalMs = reply.nextHeartbeatMs;
      if (asking) phase = 'playing';
      if (asking) options.onAllowed(reply);
      goOn();
    });
  }
  function goOn() {
    clearTimeout(timer);
    if (phase === 'playing') timer = setTimeout(say, intervalMs);
    if (!busy) send();
  }
  function say() {
    queue.push({ beat: newBeat(), madeMs: nowMs() });
    if (queue.length > 1000) queue.shift();
    goOn();
  }
  function send() {
    var part = queue.slice(0, 50);
    var beats = part.map(function (kept) {
      kept.beat.ageMs = Math.max(0, Math.round(nowMs() - kept.madeMs));
      kept.beat.sessionToken = token;
      return kept.beat;
    });
    if (phase === 'over' || beats.length === 0) return;
    busy = true;
    post(options.url + '/v1/heartbeats', beats.length === 1 ? beats[0] : { heartbeats: beats }, taken.bind(null, part));
  }
  /** What was stored leaves the queue, and so does what never will be; the rest is sent again. */
  function taken(part, status, reply) {
    var left = [];
    if (phase === 'over' || retried(status, reply, send)) return;
    if (status === 401 && phase === 'playing') return start();
    (reply.rejected || []).forEach(function (one) {
      if (one.retryable) left.push(part[one.index]);
    });
    queue = left.concat(queue.slice(part.length));
    (reply.results || []).forEach(function (one) {
      intervalMs = one.nextHeartbeatMs;
      if (one.decision && one.decision.decision === 'stop') over(one.decision);
    });
    if (left.length > 0) retried(503, reply, send);
    else send();
  }
  function over(why) {
    var before = phase;
    phase = 'over';
    clearTimeout(timer);
    if (before === 'asking') options.onRefused(why);
    if (before === 'playing') options.onStop(why);
  }
  /** Works while a page goes: sendBeacon, else a call that the page waits for. */
  function leave(bearer) {
    var url = options.url + '/v1/sessions/' + encodeURIComponent(options.ids.sessionId) + '/stop';
    var text = JSON.stringify({ sessionToken: bearer });
    if (!navigator.sendBeacon || !navigator.sendBeacon(url, text)) post(url, { sessionToken: bearer }, over, true);
  }

  start();
  return {
    /** Each change at once: playing, paused, buffering, seeking; ended, stopped and failed end the session. */
    state: function (next) {
      var last = next === 'ended' || next === 'stopped' || next === 'failed';
      if (phase === 'asking' && last) phase = 'over';
      if (phase !== 'playing' || next === state) return;
      if (last) phase = 'ending';
      state = next;
      say();
    },
    /** For pagehide and unload. */
    unload: function () {
      var running = phase === 'playing' || phase === 'ending';
      phase = 'over';
      clearTimeout(timer);
      if (running) leave(token);
    },
  };
};
