// This page, asked for again and laid over the one that is shown.

const sorted = new Map(); // table's id → {column, down}
let shown = location.href; // what the page is of
let turn = 0; // answers that come after a later question's are dropped

/** refresh brings the page up to date. It resolves to whether that worked. */
export function refresh() {
  return load(shown);
}

/** show changes the page to that of another address of it. */
export async function show(url, {push = false, focus} = {}) {
  const target = new URL(url, location.href);
  const before = shown;
  shown = target.href;
  if (!await load(target.href)) {
    shown = before;
    say('This mirror does not answer; what you chose cannot be shown.', true);
    return false;
  }
  if (push) history.pushState(null, '', target.href);
  const region = document.querySelector('#ask [name=region]');
  if (region) region.value = document.getElementById('region-detail').dataset.region ?? '';
  const heading = focus && document.getElementById(focus);
  if (heading && !visible(heading)) heading.focus();
  else if (heading) say(heading.textContent);
  return true;
}

/** say tells those who hear the page; all, for a while, when it is seen as well. */
export function say(text, seen = false) {
  const news = document.getElementById('news');
  news.textContent = text;
  news.classList.toggle('shown', seen);
  if (seen) setTimeout(() => news.classList.remove('shown'), 8000);
}

function visible(e) {
  const box = e.getBoundingClientRect();
  return box.top >= 0 && box.bottom <= innerHeight;
}

async function load(url) {
  const mine = ++turn;
  const part = new URL(url);
  part.searchParams.set('part', 'live');
  part.hash = '';
  try {
    const answer = await fetch(part, {headers: {Accept: 'text/html'}, cache: 'no-store', signal: AbortSignal.timeout(5000)});
    if (!answer.ok) return false;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    if (mine === turn) lay(page);
    return true;
  } catch {
    return false;
  }
}

function lay(page) {
  for (const id of ['problems', ...[...page.querySelectorAll('[data-live]')].map((e) => e.id)]) {
    const from = document.getElementById(id), to = page.getElementById(id);
    if (!from || !to) continue;
    const order = sorted.get(to.closest('table')?.id);
    if (order && to.localName === 'tbody') sort(to, order);
    morph(from, to);
  }
}

// morph makes one element what the other is, and keeps what is the same: focus,
// selection and place in the page stay.
function morph(from, to) {
  if (from.isEqualNode(to)) return;
  for (const {name, value} of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  for (const {name} of [...from.attributes]) {
    // Land is sent once.
    if (!to.hasAttribute(name) && !(name === 'd' && from.localName === 'path')) from.removeAttribute(name);
  }
  const keyed = new Map();
  for (const child of from.children) {
    if (child.dataset.key !== undefined) keyed.set(child.dataset.key, child);
  }
  let at = from.firstChild;
  for (const next of to.childNodes) {
    const key = next.dataset?.key;
    let match = at;
    if (key !== undefined) match = keyed.get(key);
    else if (match && (match.nodeName !== next.nodeName || match.dataset?.key !== undefined)) match = null;
    if (!match || match.nodeName !== next.nodeName) {
      from.insertBefore(document.importNode(next, true), at);
      continue;
    }
    if (match === at) at = at.nextSibling;
    else from.insertBefore(match, at);
    if (next.nodeType === Node.ELEMENT_NODE) morph(match, next);
    else if (match.data !== next.data) match.data = next.data;
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function sort(body, {column, down, numbers}) {
  const value = (row) => row.children[column]?.dataset.value ?? '';
  const rows = [...body.children].filter((row) => row.dataset.key !== undefined);
  rows.sort((a, b) => {
    const x = value(a), y = value(b);
    if (!x || !y) return (x ? 0 : 1) - (y ? 0 : 1); // what is not known comes last
    const order = numbers ? x - y : x.localeCompare(y, 'en', {numeric: true});
    return down ? -order : order;
  });
  body.append(...rows);
}

for (const table of document.querySelectorAll('table.sortable')) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    if (!head.dataset.sort) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') === 'ascending';
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const order = {column, down, numbers: head.dataset.sort === 'number'};
      sorted.set(table.id, order);
      sort(table.tBodies[0], order);
    });
  });
}
