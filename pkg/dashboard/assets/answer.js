// Sends a request and shows what came back.
import {bytes, copy, el, ms} from './base.js';
import {parse, tree} from './json.js';
import {message, sentence} from './sentence.js';

const most = 64e6; // bytes that are taken from one answer
const shown = 1e6; // bytes that are shown of it

let sent = 0;

/** send asks base for a request; it resolves to {status, statusText, headers, ttfb, body, whole}. */
export async function send(base, region, request, signal, progress) {
  // What is said to the network is not part of the request: it makes this one
  // differ from those that the browser has in its own cache.
  const mark = `mirror-prefer=${encodeURIComponent(region)},again-${Date.now().toString(36)}${sent++}`;
  const url = `${base}${request.target}${request.target.includes('?') ? '&' : '?'}${mark}`;
  const options = {signal, credentials: 'omit', headers: {Accept: request.accept}};
  if (request.method === 'POST') Object.assign(options, {method: 'POST', body: request.body, headers: {...options.headers, 'Content-Type': 'application/json'}});
  if (performance.getEntriesByType('resource').length > 200) performance.clearResourceTimings();
  const start = performance.now();
  const response = await fetch(url, options);
  let ttfb = performance.now() - start;
  const parts = [];
  let size = 0;
  let whole = true;
  if (response.body) {
    const reader = response.body.getReader();
    for (;;) {
      const {done, value} = await reader.read();
      if (done) break;
      parts.push(value);
      size += value.length;
      progress?.(size);
      if (size > most) {
        whole = false;
        await reader.cancel();
        break;
      }
    }
  }
  // Without looking up names and connecting, where the browser says so.
  await new Promise((resolve) => { setTimeout(resolve); });
  const timing = performance.getEntriesByName(new URL(url, location.href).href, 'resource').at(-1);
  if (timing?.responseStart > 0 && timing.requestStart > 0) ttfb = timing.responseStart - timing.requestStart;
  return {status: response.status, statusText: response.statusText, headers: response.headers, ttfb, body: new Blob(parts), size, whole};
}

const $ = (id) => document.getElementById(id);
const answer = $('answer');
const fact = (name) => answer.querySelector(`[data-${name}]`);

/** same compares two bodies byte by byte. */
export async function same(a, b) {
  if (a.size !== b.size) return false;
  const [x, y] = await Promise.all([a.arrayBuffer(), b.arrayBuffer()]);
  const [p, q] = [new Uint8Array(x), new Uint8Array(y)];
  return p.every((byte, i) => byte === q[i]);
}

function say(name, value, text) {
  fact(name).setAttribute(`data-${name}`, value);
  fact(name).textContent = text;
}

/** waiting shows that a request is under way. */
export function waiting() {
  answer.setAttribute('aria-busy', 'true');
  answer.classList.add('busy');
  $('stop').hidden = false;
  answer.querySelector('.tools').hidden = false;
  $('said').textContent = 'Asking …';
}

export function done() {
  answer.removeAttribute('aria-busy');
  answer.classList.remove('busy');
  $('stop').hidden = true;
}

let text = null; // of the answer, for copying
let link = null; // to its bytes

const words = {200: 'OK', 400: 'Bad Request', 403: 'Forbidden', 404: 'Not Found', 413: 'Too Large', 415: 'Unsupported Media Type', 429: 'Too Many Requests', 500: 'Internal Server Error', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout'};

/** show shows an answer. advise gives elements that say what to change, for an error. */
export async function show(got, here, name, advise) {
  const type = (got.headers.get('Content-Type') ?? '').split(';')[0].trim().toLowerCase();
  const good = got.status >= 200 && got.status < 300;
  say('status', got.status, `${got.status} ${got.statusText || words[got.status] || ''}`.trim());
  fact('status').className = good ? 'good' : 'bad';
  say('ttfb', got.ttfb.toFixed(2), ms(got.ttfb));
  fact('ttfb').title = 'Time to first byte';
  say('size', got.size, bytes(got.size));
  const from = sentence(got.headers, here);
  say('sentence', from, from);
  const body = $('answer-body');
  body.replaceChildren();
  if (link) URL.revokeObjectURL(link);
  link = URL.createObjectURL(new Blob([got.body], {type: type || 'application/octet-stream'}));
  const save = $('save');
  save.href = link;
  save.download = name;
  save.hidden = got.size === 0;
  const readable = /^text\/|json|xml|yaml|javascript/.test(type);
  const beginning = readable ? await got.body.slice(0, shown).text() : '';
  text = !readable ? null : got.size <= shown ? beginning : got.body;
  $('copy-answer').hidden = text === null || !got.whole;
  const wide = /[^\n]{200}/.test(beginning); // as a sequence without line ends
  const plain = () => el('pre', {class: wide ? 'wrap' : '', tabindex: '0', role: 'region', 'aria-label': 'Answer as text'}, beginning);
  let value;
  let isJSON = false;
  if (type === 'application/json' && got.size <= shown) {
    try {
      value = parse(beginning);
      isJSON = true;
    } catch { /* it says that it is JSON, and is not: it is shown as it is */ }
  }
  if (!good) {
    const said = readable ? message(type, beginning) : '';
    body.append(el('div', {class: 'failure'}, el('h3', {}, said || `${got.status} ${got.statusText || words[got.status] || ''}`), ...advise(got, said)));
  }
  if (got.size === 0) body.append(el('p', {class: 'soft'}, 'The answer is empty.'));
  else if (!readable) body.append(el('p', {}, `This is ${type || 'of no stated type'}, and nothing to read. Download it.`));
  else if (isJSON) {
    const asTree = tree(value);
    const raw = $('raw');
    let asText;
    raw.onclick = () => {
      const pressed = raw.getAttribute('aria-pressed') !== 'true';
      raw.setAttribute('aria-pressed', String(pressed));
      asText ??= plain();
      (pressed ? asTree : asText).replaceWith(pressed ? asText : asTree);
    };
    raw.setAttribute('aria-pressed', 'false');
    body.append(asTree);
  } else body.append(plain());
  if (got.size > shown && readable) body.prepend(el('p', {class: 'soft'}, `The first ${bytes(shown)} of ${got.whole ? bytes(got.size) : `more than ${bytes(most)}`}. `, got.whole ? 'Download has it all.' : 'Run one of the programs below to have it all.'));
  $('raw').hidden = !isJSON;
  answer.querySelector('.tools').hidden = false;
  $('said').textContent = `${fact('status').textContent}, ${bytes(got.size)} after ${ms(got.ttfb)}. ${from}`;
  done();
}

/** failed shows that no answer came. */
export function failed(heading, ...advice) {
  for (const name of ['status', 'ttfb', 'size']) say(name, '', '');
  say('status', 'none', 'no answer');
  fact('status').className = 'bad';
  say('sentence', '', '');
  text = null;
  for (const id of ['raw', 'copy-answer', 'save']) $(id).hidden = true;
  $('answer-body').replaceChildren(el('div', {class: 'failure'}, el('h3', {}, heading), ...advice));
  $('said').textContent = heading;
  done();
}

$('copy-answer')?.addEventListener('click', async () => {
  const done = await copy(typeof text === 'string' ? text : await text.text());
  $('said').textContent = done ? 'Copied' : 'The browser does not allow copying';
  flash($('copy-answer'), done);
});

/** flash says on a button that it did what it says. */
export function flash(button, done) {
  button.dataset.label ??= button.textContent;
  button.textContent = done ? 'Copied' : 'Not allowed';
  clearTimeout(button.timer);
  button.timer = setTimeout(() => { button.textContent = button.dataset.label; }, 2000);
}

