// Where news come from: the stream of this node; when that fails, its status, asked
// for again and again; when that fails, too, the status of another region.
import {say} from './network-page.js';

const every = 2000; // between two questions, in milliseconds
const quiet = 10000; // a stream without a word for so long is asked after
const figures = 5000; // between two looks at figures alone
const soon = 500; // between two looks at what changed

let source; // the stream, while somebody looks
let refresh; // brings the page up to date
let report; // the last one
let seen = ''; // what of it is worth a new look at once
let refreshed = 0;
let pending;
let looking = false;
let live = false;
let heard = 0;
let gone = false; // this node, until it is live again
let asking = false;

/** follow begins, and calls bring whenever the page is not what is. */
export function follow(bring) {
  refresh = bring;
  attend();
  setInterval(watch, 5000);
  document.addEventListener('visibilitychange', () => {
    attend();
    look(true);
  });
}

// attend listens while the page is seen. A browser has six connections to a host
// over HTTP/1.1, for all its pages: one that nobody sees keeps none of them.
function attend() {
  if (document.hidden) {
    source?.close();
    source = undefined;
    live = false;
    return;
  }
  stream();
  setTimeout(() => live || ask(), 3000);
}

function stream() {
  if (source || document.hidden) return;
  const mine = new EventSource('/-/events');
  source = mine;
  mine.addEventListener('report', (event) => {
    live = true;
    heard = Date.now();
    news('live', 'Live.', JSON.parse(event.data));
  });
  mine.addEventListener('error', () => {
    live = false;
    if (mine.readyState === EventSource.CLOSED) { // it refused; otherwise the browser tries again
      source = undefined;
      setTimeout(stream, 10000);
    }
    ask();
  });
}

// watch asks after a stream that says nothing: a line may be cut without a word.
async function watch() {
  if (!live) {
    ages();
  } else if (Date.now() - heard > quiet) {
    try {
      news('live', 'Live.', await status('', 3000));
      heard = Date.now();
    } catch {
      live = false;
      ask();
    }
  }
}

async function ask() {
  if (asking) return;
  asking = true;
  while (!live && !document.hidden) {
    try {
      const found = await status('', every);
      if (!live) news('polling', 'The stream of news does not answer; this page asks every 2 seconds.', found);
    } catch {
      if (!live) await others();
    }
    await new Promise((done) => setTimeout(done, every));
  }
  asking = false;
}

async function status(base, patience) {
  const answer = await fetch(`${base}/-/status.json`, {cache: 'no-store', signal: AbortSignal.timeout(patience)});
  if (!answer.ok) throw new Error(answer.status);
  return answer.json();
}

async function others() {
  const rows = [...document.querySelectorAll('#regions [data-url]')];
  const bases = rows.map((row) => row.dataset.url.replace(/\/+$/, '')).filter((url) => /^https?:/.test(url) && new URL(url).origin !== location.origin);
  const here = document.querySelector('#seen').dataset.region || 'This mirror';
  try {
    const found = await Promise.any(bases.map((base) => status(base, 3000)));
    if (live) return;
    gone = true;
    connection('other', `${here} does not answer; this is how ${found.region} sees it.`, found.time);
    outline(found);
  } catch {
    if (live) return;
    gone = true;
    connection('lost', `${here} does not answer, and no other region does. This is what was last known.`);
  }
}

function news(kind, text, found) {
  const was = document.getElementById('connection').dataset.connection;
  if (kind !== was) connection(kind, gone && kind === 'live' ? 'Live again.' : text, found.time);
  else connection(kind, document.getElementById('connection-text').textContent, found.time);
  if (kind === 'live') gone = false;
  changes(report, found);
  report = found;
  const now = JSON.stringify([found.state, found.isolated, found.revision, found.catalogue, found.events?.[0]?.seq, found.operators,
    found.regions.map((r) => [r.name, r.state, r.why, r.nodes, r.announced, r.drained]),
    found.nodes.map((n) => [n.name, n.state, n.membership, n.revision, n.drained, n.votes]), found.origins.map((o) => [o.state, o.release])]);
  if (looking) return; // what changed meanwhile is seen with the next news
  look(now !== seen || was === 'other' || was === 'lost');
  seen = now;
}

// look brings the page up to date, now or when its figures have grown old, one
// look at a time.
function look(now) {
  if (document.hidden || looking) return;
  if (pending && now) clearTimeout(pending);
  else if (pending) return;
  pending = setTimeout(async () => {
    pending = undefined;
    looking = true;
    refreshed = Date.now();
    if (!await refresh()) seen = ''; // once more, with the next news
    looking = false;
  }, Math.max(0, refreshed + (now ? soon : figures) - Date.now()));
}

function connection(kind, text, time) {
  const line = document.getElementById('connection');
  line.dataset.connection = kind;
  document.getElementById('main').dataset.view = kind;
  const said = document.getElementById('connection-text');
  if (said.textContent !== text) said.textContent = text; // and only then is it read out
  if (time) {
    const clock = document.getElementById('connection-time');
    clock.dateTime = time;
    clock.textContent = `Last news ${time.slice(11, 19)} UTC.`;
  }
}

// changes says which regions changed, to those who do not see it.
function changes(before, after) {
  if (!before) return;
  const was = new Map(before.regions.map((r) => [r.name, r.state]));
  const now = after.regions.filter((r) => was.has(r.name) && was.get(r.name) !== r.state).map((r) => `${r.name} is ${r.state} now.`);
  if (now.length) say(now.join(' '));
}

// outline shows the states that another region's node sees; figures and all else
// stay as they were, and look it.
function outline(found) {
  changes(report, found);
  report = found;
  const sign = (state) => (document.getElementById(`sign-${state}`) ? state : 'unknown');
  const put = (span, state) => {
    if (!span) return;
    span.textContent = state;
    span.className = `state ${sign(state)}`;
  };
  for (const region of found.regions) {
    const name = CSS.escape(region.name);
    const row = document.querySelector(`#regions tr[data-region="${name}"]`);
    put(row?.querySelector('.state'), region.state);
    if (row) {
      const cell = row.cells[1];
      const why = cell.querySelector('.why') ?? cell.insertBefore(Object.assign(document.createElement('small'), {className: 'why'}), cell.querySelector('.brief'));
      why.textContent = region.state === 'serving' ? '' : region.why;
    }
    const mark = document.querySelector(`#map [data-region="${name}"]`);
    if (mark) {
      mark.dataset.state = sign(region.state);
      mark.querySelector('.sign').setAttribute('href', `#sign-${sign(region.state)}`);
      for (const word of mark.querySelectorAll('.word')) word.textContent = region.state;
      for (const pip of mark.querySelectorAll('.pip')) pip.textContent = '';
    }
    if (document.getElementById('region-detail').dataset.region === region.name) put(document.querySelector('#detail-title .state'), region.state);
  }
  for (const node of found.nodes) {
    const state = ['dead', 'left'].includes(node.membership) ? node.membership : node.state;
    const name = CSS.escape(node.name);
    put(document.querySelector(`#nodes tr[data-node="${name}"] .state`), state);
    put(document.querySelector(`[data-state-of="${name}"]`), state);
  }
  const list = found.regions.filter((r) => !['retired', 'canary'].includes(r.state));
  const well = list.filter((r) => r.state === 'serving');
  const bad = list.filter((r) => r.state !== 'serving').map((r) => ` ${r.name} is ${r.state}.`);
  const summary = document.getElementById('summary');
  summary.className = `summary ${bad.length ? 'bad' : ''}`;
  summary.replaceChildren(Object.assign(document.createElement('p'), {textContent: `${well.length} of ${list.length} regions serving, as ${found.region} sees it.${bad.join('')}`}));
}

// ages goes on with what the page says of times, while nobody else does.
function ages() {
  for (const time of document.querySelectorAll('#events time')) {
    const s = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const steps = [[120, 1, 's'], [7200, 60, 'min'], [172800, 3600, 'h'], [Infinity, 86400, 'days']];
    const [, unit, word] = steps.find(([below]) => s < below);
    time.textContent = s < 2 ? 'just now' : `${Math.floor(s / unit)} ${word} ago`;
  }
}
