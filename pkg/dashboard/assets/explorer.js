import {bytes, copy, el, ms} from './base.js';
import './search.js';
import {absent, answerLink, bodyOf, fault, lines, parted, permalink, program, target} from './request.js';
import {failed, flash, same, send, show, waiting} from './answer.js';
import {sentence, short} from './sentence.js';

const $ = (id) => document.getElementById(id);
const form = $('request');

if (form) {
  const data = JSON.parse($('data').textContent);
  const endpoint = data.endpoint;
  const fields = new Map(endpoint.fields.map((f) => [f.key, f]));
  // By their ids: a field may have the name of what a form is asked for.
  const format = $('f-content-type');
  const row = (key) => document.querySelector(`#request [data-field="${CSS.escape(key)}"]`);
  const inputs = (key) => [...row(key).querySelectorAll('input, select, textarea')];
  let asked; // the request that the answer belongs to
  form.noValidate = true;

  // The request that the form holds.
  function values() {
    const held = Object.create(null);
    for (const f of endpoint.fields) {
      held[f.key] = inputs(f.key).map((i) => (i.matches('textarea') ? lines(i.value).join('\n') : i.value.replace(/\p{Cc}/gu, '').trim())).filter((v) => v !== '');
    }
    return held;
  }

  function current() {
    const v = values();
    const t = target(endpoint, v);
    return {values: v, method: endpoint.method, target: t.target, missing: t.missing, accept: format.value, body: bodyOf(endpoint, v), page: permalink(endpoint, v, format.value)};
  }

  // Everything that follows what is typed.
  function follow() {
    const r = current();
    $('url').textContent = data.base + r.target;
    const link = $('open');
    link.hidden = r.missing.length > 0 || r.method === 'POST' || r.target.startsWith('//');
    if (!link.hidden) link.href = answerLink(r.target, r.accept);
    $('permalink').href = $('permalink').dataset.anywhere + r.page;
    $('outdated').hidden = !asked || asked.page === r.page;
    for (const l of data.languages) {
      document.querySelector(`#code [data-language="${l.id}"] pre`).textContent = program(l, {method: r.method, url: data.base + r.target, accept: r.accept, body: r.body});
    }
    for (const f of endpoint.fields) {
      if (f.in !== 'body' || !f.repeated) continue;
      const n = lines(inputs(f.key)[0].value).length;
      row(f.key).querySelector('[data-count]').textContent = n.toLocaleString('en') + (f.name === endpoint.list_of && endpoint.max_items ? ` of at most ${endpoint.max_items.toLocaleString('en')}` : '');
    }
    return r;
  }

  function check(key) {
    const f = fields.get(key);
    const message = fault(f, inputs(key).map((i) => i.value), f.name === endpoint.list_of ? endpoint.max_items : 0);
    say(key, message);
    return message === '';
  }

  function say(key, message) {
    const p = row(key).querySelector('.fault');
    p.textContent = message;
    p.hidden = message === '';
    const more = p.closest('details');
    if (message !== '' && more) more.open = true;
    for (const i of inputs(key)) {
      if (message === '') i.removeAttribute('aria-invalid');
      else i.setAttribute('aria-invalid', 'true');
    }
  }

  // ready says what is wrong beside the fields. Only what is needed and missing
  // stops a request: of the rest the API may think otherwise.
  function ready(r) {
    for (const f of endpoint.fields) check(f.key);
    const bad = endpoint.fields.find((f) => f.required && r.values[f.key].length === 0);
    if (bad) inputs(bad.key)[0].focus();
    return !bad;
  }

  // The address bar says what the form holds; an example that is run is an entry
  // of its own on the way back.
  let typing;
  form.addEventListener('input', (event) => {
    follow();
    const key = event.target.closest('[data-field]')?.dataset.field;
    if (key && event.target.getAttribute('aria-invalid')) check(key);
    clearTimeout(typing);
    typing = setTimeout(() => keep('replaceState', current()), 300);
  });
  form.addEventListener('change', (event) => {
    const key = event.target.closest('[data-field]')?.dataset.field;
    if (!key || event.target.value === '') return;
    // What is said moves the page: a button that is being pressed must not go away.
    if (pressing) addEventListener('pointerup', () => setTimeout(check, 0, key), {once: true});
    else check(key);
  });
  let pressing = false;
  addEventListener('pointerdown', () => { pressing = true; }, true);
  for (const end of ['pointerup', 'pointercancel']) addEventListener(end, () => { pressing = false; }, true);
  function keep(how, r) {
    history[how]({page: r.page}, '', r.page);
  }
  addEventListener('popstate', (event) => {
    if (!event.state?.page) return; // a link within the page
    read(new URL(event.state.page, location.href).searchParams);
    follow();
  });

  // read fills the form in from a permalink.
  function read(query) {
    for (const f of endpoint.fields) {
      const given = query.getAll(f.key);
      const list = inputs(f.key);
      while (f.repeated && f.in !== 'body' && list.length <= given.length) list.push(another(f.key));
      list.forEach((i, n) => { i.value = given[n] ?? ''; });
      say(f.key, '');
    }
    if (query.has('content-type')) format.value = query.get('content-type');
    if (format.selectedIndex < 0) format.selectedIndex = 0;
    arrange();
  }

  // arrange shows the optional fields that hold something, and folds the others
  // away, as the page does when it is sent.
  function arrange() {
    const more = document.querySelector('#request .more');
    if (!more) return;
    const rest = [];
    for (const f of endpoint.fields) {
      if (f.required) continue;
      const empty = inputs(f.key).every((i) => i.value === '');
      (empty ? more : $('filled')).append(row(f.key));
      if (empty) rest.push(f.name);
    }
    more.hidden = rest.length === 0;
    more.open = rest.length < 3;
    const [label, names] = more.querySelectorAll('summary > span');
    label.textContent = `${rest.length} ${$('filled').children.length ? 'more ' : ''}optional ${rest.length === 1 ? 'parameter' : 'parameters'}`;
    names.textContent = rest.join(', ');
  }

  function another(key) {
    const list = inputs(key);
    const next = list.at(-1).cloneNode();
    next.removeAttribute('id');
    next.value = '';
    next.setAttribute('aria-label', `${fields.get(key).name}, another`);
    list.at(-1).after(next);
    return next;
  }
  for (const button of form.querySelectorAll('[data-add]')) {
    button.addEventListener('click', () => another(button.closest('[data-field]').dataset.field).focus());
  }

  // What to change, where the API refused: by what the catalogue says.
  function advise(got, message) {
    const list = [];
    const r = asked ?? current();
    for (const f of endpoint.fields) {
      const given = r.values[f.key] ?? [];
      const wrong = fault(f, given, f.name === endpoint.list_of ? endpoint.max_items : 0);
      const whole = (s) => new RegExp(`(^|[^\\w])${s.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}($|[^\\w])`, 'i').test(message);
      const told = got.status < 500 && given.find((v) => v.length > 1 && f.in !== 'body' && whole(v));
      if (wrong) list.unshift(el('li', {}, el('code', {}, f.name), `: ${wrong}`));
      else if (told || (got.status < 500 && f.name.length > 2 && whole(f.name))) {
        const such = f.examples?.length && !f.examples.includes(told) ? ` Such as ${f.examples.join(', ')}.` : '';
        list.push(el('li', {}, 'Look at ', el('code', {}, f.name), told ? `: the API says this of “${told}”.` : ': the API names it.', such));
        if (f.in !== 'body') say(f.key, `The API refused this.${such}`);
      }
    }
    const narrowed = endpoint.fields.filter((f) => f.in === 'query' && !f.required && r.values[f.key]?.length && !list.some((li) => li.querySelector('code')?.textContent === f.name));
    if (got.status < 500 && got.status !== 429 && narrowed.length && /not found|no .*found/i.test(message)) {
      list.push(el('li', {}, 'Or try without ', ...narrowed.flatMap((f, i) => [i ? ', ' : '', el('code', {}, f.name)]), ', by which less may be found.'));
    }
    const wait = Number(got.headers.get('Retry-After'));
    if (got.status === 429) list.push(el('li', {}, `More requests came from your network than the API takes from one client.${wait > 0 ? ` Wait ${wait} s, then send again.` : ' Wait a minute, then send again.'} A list of ids in one POST counts as one request.`));
    else if (got.status === 503 || got.status === 502 || got.status === 504) list.push(el('li', {}, `This is no fault of the request.${wait > 0 ? ` Send it again after ${wait} s` : ' Send it again in a while'}, or ask another region: `, ...elsewhere(r), '.'));
    else if (got.status === 404) list.push(el('li', {}, 'Nothing is there under that name. An id may belong to another species, release or kind of database.'));
    else if (got.status === 415) list.push(el('li', {}, 'Choose another format.'));
    else if (got.status >= 500) list.push(el('li', {}, 'This is a fault of the API, not of the request. Another region asks the same API.'));
    else if (list.length === 0) list.push(el('li', {}, 'Compare your values with those of an example above, which work.'));
    return [el('ul', {}, ...list)];
  }

  // Links to this request's page on other regions.
  function elsewhere(r) {
    const links = data.regions.filter((region) => region.name !== data.here && region.state === 'serving' && region.url).map((region) => el('a', {href: region.url + r.page, title: region.title}, region.name));
    return links.length === 0 ? ['none is serving'] : links.flatMap((a, i) => (i ? [', ', a] : [a]));
  }

  // without says which entries of a list are not in the answer.
  async function without(got, r) {
    const f = endpoint.fields.find((f) => f.in === 'body' && f.name === endpoint.list_of);
    if (!f || got.status !== 200 || r.accept !== 'application/json' || !got.whole || got.size > 5e6) return;
    const list = lines(r.values[f.key]?.[0] ?? '');
    const missing = absent(list, await got.body.text());
    if (missing.length === 0 || r !== asked) return;
    const named = missing.length > 10 ? `${missing.slice(0, 10).join(', ')} and ${missing.length - 10} more` : missing.join(', ');
    $('answer-body').prepend(el('p', {class: 'soft', 'data-missing': missing.length}, `Nothing was found for ${missing.length} of ${new Set(list).size}: ${named}.`));
  }

  let under; // way: what stops it
  async function ask() {
    clearTimeout(typing);
    const r = follow();
    if (!ready(r)) return;
    keep('replaceState', r);
    under?.abort();
    const stop = new AbortController();
    under = stop;
    asked = r;
    $('outdated').hidden = true;
    waiting();
    reveal($('answer'));
    try {
      const got = await send('', data.here, r, stop.signal, (n) => { $('said').textContent = ''; $('answer').querySelector('[data-size]').textContent = bytes(n); });
      await show(got, data.here, nameOf(r), advise);
      await without(got, r);
      reveal($('answer'));
    } catch (error) {
      if (under !== stop) return; // another request took its place
      if (error.name === 'AbortError') failed('Stopped. Nothing was changed by the request.');
      else if (!(error instanceof TypeError)) {
        failed('The answer came, and this page could not show it.');
        throw error;
      } else failed(`${data.here || 'This mirror'} does not answer.`, el('p', {}, 'Your connection may be down, or this mirror. The same request on another region: ', ...elsewhere(r), '.'));
    }
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    ask();
  });
  form.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      ask();
    }
  });
  $('stop').addEventListener('click', () => under?.abort());

  const endings = {'application/json': 'json', 'text/xml': 'xml', 'text/x-yaml': 'yaml', 'text/html': 'html', 'text/x-fasta': 'fa', 'text/x-gff3': 'gff3', 'text/x-bed': 'bed', 'text/plain': 'txt'};
  const nameOf = (r) => `${endpoint.id}.${endings[r.accept] ?? 'txt'}`;

  function reveal(section) {
    const box = section.getBoundingClientRect();
    if (box.top > innerHeight * 0.75 || box.top < 0) section.scrollIntoView({block: 'start', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth'});
  }

  for (const example of document.querySelectorAll('[data-example]')) {
    example.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const before = current().page;
      read(new URL(example.href).searchParams);
      const r = current();
      if (r.page !== before) keep('pushState', r);
      ask();
    });
  }

  // The same request everywhere, this region first.
  $('compare').addEventListener('click', async () => {
    const r = follow();
    if (!ready(r)) return;
    const section = $('comparison');
    section.hidden = false;
    reveal(section);
    $('compared').textContent = 'Asking every region …';
    const regions = [...data.regions].sort((a, b) => (b.name === data.here) - (a.name === data.here) || a.name.localeCompare(b.name));
    const body = $('compare-table').tBodies[0];
    body.replaceChildren();
    const results = regions.map((region) => {
      const here = region.name === data.here;
      const cells = [el('td', {}, '…'), el('td', {class: 'num'}), el('td', {class: 'num'}), el('td'), el('td', {'data-same': 'waiting'})];
      body.append(el('tr', {'data-region': region.name}, el('th', {scope: 'row', title: region.title}, region.name, here ? el('span', {class: 'type'}, ' this one') : null), ...cells));
      const got = send(here ? '' : region.url, region.name, r, AbortSignal.timeout(15000));
      got.catch(() => {}); // it is looked at below
      return {region, cells, got};
    });
    let first; // that answers: the others are compared with it
    let reference = null;
    for (first of results) if ((reference = await first.got.catch(() => null))) break;
    const outcomes = await Promise.all(results.map(async ({region, cells, got}) => {
      const [state, time, size, cache, equal] = cells;
      let answer;
      let verdict;
      try {
        answer = await got;
        state.textContent = String(answer.status);
        time.textContent = ms(answer.ttfb);
        size.textContent = bytes(answer.size);
        cache.textContent = short(answer.headers);
        cache.title = sentence(answer.headers, region.name);
        if (region === first.region) verdict = ['reference', 'itself'];
        else if (answer.status !== reference.status) verdict = ['differs', 'no, another status'];
        else verdict = (await same(answer.body, reference.body)) ? ['same', 'yes'] : ['differs', `no, ${answer.size === reference.size ? 'as long, but different' : `${bytes(Math.abs(answer.size - reference.size))} ${answer.size > reference.size ? 'more' : 'less'}`}`];
      } catch (error) {
        state.textContent = error.name === 'TimeoutError' ? 'no answer in 15 s' : 'no answer';
        verdict = ['unreachable', '–'];
      }
      equal.dataset.same = verdict[0];
      equal.textContent = verdict[1];
      state.classList.add('verdict', answer?.status < 400 ? 'good' : 'bad');
      return {region, answer, verdict: verdict[0]};
    }));
    const count = (v) => outcomes.filter((o) => o.verdict === v).length;
    const differ = outcomes.filter((o) => o.verdict === 'differs').map((o) => o.region.name);
    const gone = outcomes.filter((o) => !o.answer).map((o) => o.region.name);
    $('compared').textContent = [
      outcomes.every((o) => !o.answer || o.answer.status >= 500) ? 'No region has an answer now.' : differ.length ? `The answer differs in ${differ.join(', ')}: another release of the data, or something that each region says of itself.` : count('same') ? 'All that answered gave the same bytes.' : 'There was nothing to compare.',
      gone.length ? `No answer from ${gone.join(', ')}.` : '',
    ].join(' ').trim();
  });

  // One language is shown; the choice is kept.
  const tabs = [...document.querySelectorAll('[data-tab]')];
  const remembered = 'mirror_language';
  tabs[0].parentElement.setAttribute('role', 'tablist');
  for (const tab of tabs) {
    const panel = $(`code-${tab.dataset.tab}`);
    tab.setAttribute('role', 'tab');
    tab.setAttribute('aria-controls', panel.id);
    panel.setAttribute('role', 'tabpanel');
    panel.setAttribute('aria-labelledby', tab.id);
    tab.addEventListener('click', () => {
      choose(tab);
      try {
        localStorage.setItem(remembered, tab.dataset.tab);
      } catch { /* nothing may be stored: the choice holds for this page */ }
    });
    tab.addEventListener('keydown', (event) => {
      const at = tabs.indexOf(tab);
      const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1}[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = tabs.at(to % tabs.length);
      next.focus();
      next.click();
    });
  }
  function choose(chosen) {
    for (const tab of tabs) {
      const is = tab === chosen;
      tab.setAttribute('aria-selected', String(is));
      tab.tabIndex = is ? 0 : -1;
      $(`code-${tab.dataset.tab}`).classList.toggle('shown', is);
    }
  }
  let last = null;
  try {
    last = localStorage.getItem(remembered);
  } catch { /* as above */ }
  choose(tabs.find((t) => t.dataset.tab === last) ?? tabs[0]);
  for (const button of document.querySelectorAll('#code [data-copy]')) {
    button.addEventListener('click', async () => {
      const ok = await copy(button.parentElement.querySelector('pre').textContent);
      $('copied').textContent = '';
      requestAnimationFrame(() => { $('copied').textContent = ok ? 'Copied' : 'The browser does not allow copying'; });
      flash(button, ok);
    });
  }

  // A list that is pasted may be parted in any way.
  for (const box of document.querySelectorAll('#request textarea')) {
    box.addEventListener('paste', (event) => {
      const pasted = event.clipboardData.getData('text');
      const list = parted(pasted).join('\n');
      if (list === pasted || list === '') return;
      event.preventDefault();
      box.setRangeText(list, box.selectionStart, box.selectionEnd, 'end');
      box.dispatchEvent(new Event('input', {bubbles: true}));
    });
  }

  // What the browser restored in the form counts.
  if (!history.state?.page) history.replaceState({page: follow().page}, '');
  else follow();
  addEventListener('pageshow', (event) => { if (event.persisted) follow(); });
}
