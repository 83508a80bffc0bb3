// A request as it is written: what explorer_request.go and package snippet do
// for the page as it is sent, for what is typed into it. Nothing here touches the page.

const ends = {get: (r) => r.method !== 'POST', post: (r) => r.method === 'POST', json: (r) => r.accept === 'application/json', text: (r) => r.accept !== 'application/json'};

const escapes = {'"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t'};

const quotes = {
  shell: (s) => `'${s.replaceAll("'", "'\\''")}'`,
  single: (s) => `'${s.replace(/[\\']/g, '\\$&')}'`,
  double: (s) => `"${s.replace(/["\\\u0000-\u001f\u007f-\u009f]/g, (c) => escapes[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`,
};

/** program writes a request {method, url, accept, body} in a language of package snippet. */
export function program(language, request) {
  const values = {url: request.url, accept: request.accept, field: `Accept: ${request.accept}`, body: request.body};
  return language.text
    .replace(/‹(\w+)\|([^›]*)›/g, (_, when, text) => (ends[when](request) ? text : ''))
    .replace(/«(\w+)»/g, (_, name) => quotes[language.quoting](values[name]));
}

const well = (s) => s.replace(/\p{Surrogate}/gu, '\uFFFD');

// What neither paths nor queries give a meaning to stays as it is.
const escape = (s) => encodeURIComponent(well(s)).replace(/[!*'()]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`).replace(/%(3A|2C|40)/g, decodeURIComponent);

// In a path, the API decodes twice.
const twice = {__proto__: null, '%': '%2525', '/': '%252F', '\0': '%2500'};
const escapePath = (s) => s.replace(/[%/\0]|[^%/\0]+/g, (part) => twice[part] ?? escape(part));

// In the query of a page, a slash may be read, too.
const escapeQuery = (s) => escape(s).replaceAll('%2F', '/');

const namesIn = (pattern) => [...pattern.matchAll(/\{([^{}/]+)\}/g)].map((m) => m[1].replace(/\.\.\.$/, ''));
const first = (values, key) => values[key]?.[0] ?? '';

/** target is {target, missing}: path and query, and the parts of the path that are not known. */
export function target(endpoint, values) {
  const path = Object.create(null);
  let query = '';
  for (const f of endpoint.fields) {
    if (f.in === 'path' && (f.required || first(values, f.key) !== '')) path[f.name] = first(values, f.key);
    if (f.in === 'query') {
      for (const v of values[f.key] ?? []) if (v !== '') query += `&${escape(f.name)}=${escape(v)}`;
    }
  }
  const given = Object.keys(path);
  const pattern = endpoint.paths.find((p) => {
    const names = namesIn(p);
    return names.length === given.length && names.every((n) => n in path);
  }) ?? endpoint.paths[0];
  const missing = namesIn(pattern).filter((n) => !path[n]);
  let written = pattern.split('/').slice(1).map((s) => {
    const [name] = namesIn(s);
    if (!name) return escape(s);
    return path[name] ? escapePath(path[name]) : `{${name}}`;
  }).join('/');
  written = `/${written}`;
  // An id that ends like a format's suffix is none.
  const dot = written.lastIndexOf('.');
  if (dot > written.lastIndexOf('/') && endpoint.suffixes.includes(written.slice(dot + 1))) written = `${written.slice(0, dot)}%2E${written.slice(dot + 1)}`;
  return {target: written + query.replace('&', '?'), missing};
}

const numbers = {__proto__: null, integer: /^-?(0|[1-9][0-9]*)$/, boolean: /^[01]$/, float: /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$/};

/** lines are the entries of a list box. */
export const lines = (s) => s.split(/[\n\r]+/).map((l) => l.replace(/^[ \t]+|[ \t]+$/g, '')).filter((l) => l !== '');

/** parted are the entries of what was copied from a table or a program: quotes around one are not part of it. */
export const parted = (s) => s.split(/[\s,;]+/).map((part) => part.replace(/^(["'])(.*)\1$/, '$2')).filter(Boolean);

/** absent are the entries that an answer in JSON does not name, in small letters or large, with or without a version, or names with null. */
export function absent(items, text) {
  const all = text.toLowerCase();
  return [...new Set(items)].filter((item) => {
    const name = JSON.stringify(item.toLowerCase());
    if (all.includes(name)) return all.includes(`${name}:null`);
    return !all.includes(name.replace(/\.\d+"$/, '"'));
  });
}

/** bodyOf is a POST's JSON. */
export function bodyOf(endpoint, values) {
  if (endpoint.method !== 'POST') return '';
  const members = [];
  for (const f of endpoint.fields) {
    if (f.in !== 'body') continue;
    const given = first(values, f.key);
    let text;
    if (f.repeated) {
      const items = lines(given);
      if (items.length === 0 && !f.required) continue;
      text = `[${items.map((i) => quotes.double(well(i))).join(', ')}]`;
    } else if (given === '') {
      continue;
    } else {
      text = numbers[f.type]?.test(given) ? given : quotes.double(well(given));
    }
    members.push(`${quotes.double(f.name)}: ${text}`);
  }
  return `{${members.join(', ')}}`;
}

/** permalink is the page of this request. */
export function permalink(endpoint, values, format) {
  let link = `/?endpoint=${escapeQuery(endpoint.id)}`;
  for (const f of endpoint.fields) {
    for (const v of values[f.key] ?? []) if (v !== '') link += `&${escapeQuery(f.key)}=${escapeQuery(v)}`;
  }
  return `${link}&content-type=${escapeQuery(format)}`;
}

/** answerLink is where a browser gets the answer in that format. */
export const answerLink = (target, format) => `${target}${target.includes('?') ? '&' : '?'}content-type=${escapeQuery(format)}`;

/** fault says what is wrong with the values that a field holds, and what to write. */
export function fault(field, values, max = 0) {
  const held = values.map((v) => v.trim()).filter((v) => v !== '');
  for (const given of held.length ? held : ['']) {
    const text = faultOf(field, given, max);
    if (text !== '') return text;
  }
  return '';
}

function faultOf(field, given, max) {
  const such = field.examples?.length ? `, such as ${field.examples[0]}` : '';
  if (field.in === 'body' && field.repeated) {
    const n = lines(given).length;
    if (n === 0) return field.required ? 'Write at least one, each on a line of its own.' : '';
    return max > 0 && n > max ? `${n.toLocaleString('en')} are too many for one request: at most ${max.toLocaleString('en')}.` : '';
  }
  if (given === '') return field.required ? `This is needed${such}.` : '';
  if (field.lenient) return field.type === 'integer' && !numbers.integer.test(given) ? `The API takes this for another number: write a whole one${such}.` : '';
  if (field.type === 'integer' && !numbers.integer.test(given)) return `This has to be a whole number${such}.`;
  if (field.type === 'float' && !numbers.float.test(given)) return `This has to be a number${such}.`;
  const allowed = (a) => a === given || (field.case_blind && a.toLowerCase() === given.toLowerCase());
  if (field.type === 'enum' && !(field.allowed ?? []).some(allowed)) return `This has to be one of ${(field.allowed ?? []).join(', ')}.`;
  return '';
}
