// What an answer's fields say of where it came from, in plain words: Cache-Status
// (RFC 9211), Age, Server-Timing, Mirror-Region. Nothing here touches the page.
import {age, ms} from './base.js';

/** members reads a Cache-Status: [{cache, hit, fwd, …}], the nearest to the origin first. */
export function members(field) {
  const list = [];
  for (const part of (field ?? '').match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []) {
    const [cache, ...parameters] = part.match(/(?:[^;"]|"(?:[^"\\]|\\.)*")+/g) ?? [];
    const member = {__proto__: null, cache: unquote(cache)};
    for (const p of parameters) {
      const at = p.indexOf('=');
      if (at < 0) member[p.trim()] = true;
      else member[p.slice(0, at).trim()] = unquote(p.slice(at + 1));
    }
    if (/^[\w*]/.test(member.cache)) list.push(member);
  }
  return list;
}

const unquote = (s) => {
  s = (s ?? '').trim();
  return s.startsWith('"') ? s.slice(1, -1).replace(/\\(.)/g, '$1') : s;
};

/** took is the time of one metric of a Server-Timing in ms, if it is there. */
export function took(field, metric) {
  for (const part of (field ?? '').split(',')) {
    const [name, ...parameters] = part.split(';').map((p) => p.trim());
    const dur = parameters.find((p) => p.startsWith('dur='));
    if (name === metric && dur) return Number(dur.slice(4));
  }
  return undefined;
}

// tier is which part of a cache had it, where that is said.
const tier = (field) => {
  const names = (field ?? '').split(',').map((p) => p.trim().split(';')[0]);
  if (names.includes('lane') || names.includes('memory')) return 'memory';
  return names.includes('memcached') ? 'memcached' : 'cache';
};

// past says why a copy that is past its time is given.
const past = (detail, doubted) => {
  if (doubted) return `; the origin said ${doubted}, which is not certain yet`;
  return {__proto__: null, 'stale-while-revalidate': ', and a new one is being fetched', 'no origin answers': '; no origin answers', overloaded: '; the region is busy'}[detail] ?? '';
};

const why = {__proto__: null,
  'uri-miss': 'had no copy', 'vary-miss': 'had no copy in this form', miss: 'had no copy', stale: 'had an old copy',
  request: 'was asked for a new one', bypass: 'keeps no copy of this', method: 'keeps no copy of this', partial: 'had a part of it',
};

/** sentence says where an answer came from. headers: a Headers; here: the region that was asked. */
export function sentence(headers, here) {
  const list = members(headers.get('Cache-Status'));
  const near = list.at(-1);
  const region = headers.get('Mirror-Region') || here;
  if (!near) return `From ${region}, which does not say how it came by it.`;
  const dur = took(headers.get('Server-Timing'), 'cache');
  const time = dur === undefined ? '' : dur < 0.1 ? 'in less than 0.1 ms' : `in ${ms(dur)}`;
  const seconds = headers.get('Age') === null ? NaN : Number(headers.get('Age'));
  const old = Number.isNaN(seconds) ? '' : seconds < 2 ? 'made just now' : `${age(seconds)} old`;
  const other = region !== here ? ` ${here} passed the request on to ${region}.` : '';
  const stale = Number(near.ttl) < 0;
  const put = (...parts) => parts.filter(Boolean).join(', ');
  const doubted = (/^(\d+) not confirmed$/.exec(near.detail ?? '') ?? [])[1];
  if (near.hit) {
    const lead = `From ${region}’s ${tier(headers.get('Server-Timing'))}`;
    return `${put(lead, old, time)}.${stale ? ` It is past its time${past(near.detail, doubted)}.` : ''}${other}`;
  }
  if (near.detail === 'failed') return `${here} asked, and got no answer that it could give you${time ? ` (it tried for ${ms(dur)})` : ''}.${other}`;
  const source = list.length > 1 ? list.at(-2) : null; // another node's cache answered before this one
  const whom = source ? `${source.cache}, which ${source.hit ? 'had it' : 'asked the origin'}` : 'the origin';
  if (near.collapsed) return `${here} ${why[near.fwd] ?? 'had no copy'}; the same request was under way already, and one answer served both${time ? `, ${time}` : ''}.${other}`;
  if (near.fwd && stale) return `${here} asked ${whom}, ${doubted ? `which said ${doubted}. Until that is certain it gives` : 'and got no good answer. It gives'} its old copy${old ? `, ${old}` : ''}.${other}`;
  if (near.fwd) {
    const kept = near.stored ? ' It is kept now: the next answer is quicker.' : '';
    const again = near.fwd === 'stale' && near['fwd-status'] === '304' ? ' Nothing had changed.' : '';
    return `${here} ${why[near.fwd] ?? 'had no copy'} and asked ${whom}${time ? `${source ? '; that took' : ', which took'} ${ms(dur)}` : ''}.${again}${kept}${other}`;
  }
  return `Answered by ${region} itself${time ? `, ${time}` : ''}.${other}`;
}

/** short is the same in a word or two, for a table. */
export function short(headers) {
  const near = members(headers.get('Cache-Status')).at(-1);
  if (!near) return 'not said';
  const seconds = Number(headers.get('Age'));
  if (near.hit) return `hit, ${seconds < 2 ? 'just made' : `${age(seconds)} old`}`;
  if (near.collapsed) return 'collapsed';
  return near.fwd ? `fwd=${near.fwd}` : 'its own';
}

const entities = {__proto__: null, amp: '&', lt: '<', gt: '>', quot: '"', apos: "'"};
const plain = (s) => s.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (all, n, hex, name) => {
  const code = n ? Number(n) : parseInt(hex, 16);
  return name ? entities[name] ?? all : code <= 0x10ffff ? String.fromCodePoint(code) : all;
});

/** message is what the API says in an error, in any of its formats; '' where it says nothing. */
export function message(type, body) {
  if (type === 'application/json') {
    try {
      const {error} = JSON.parse(body);
      return typeof error === 'string' ? error : '';
    } catch { // it breaks off, or is no object
      return '';
    }
  }
  const found = {__proto__: null, 'text/xml': /\berror="([^"]*)"/, 'text/x-yaml': /^error:\s*(.+)$/m, 'text/html': /<\/h1>\s*<p>([^<]*)</}[type]?.exec(body);
  if (found) return type === 'text/x-yaml' ? found[1].replace(/^(["'])(.*)\1$/, '$2') : plain(found[1]);
  return type === 'text/plain' && body.length < 500 ? body.trim() : '';
}
