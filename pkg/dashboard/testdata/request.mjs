// Answers a list of questions, from standard input, as the scripts of the pages do.
import {readFileSync} from 'node:fs';

globalThis.document = {querySelector: () => null}; // base.js looks for the note
const assets = process.argv[2];
const {absent, bodyOf, fault, parted, permalink, program, target} = await import(`${assets}/request.js`);
const {message, sentence, short} = await import(`${assets}/sentence.js`);
const {parse} = await import(`${assets}/json.js`);

const {requests, headers, numbers, errors, lists, answers} = JSON.parse(readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify({
  requests: requests.map(({endpoint, values, format, base, languages}) => {
    const t = target(endpoint, values);
    const body = bodyOf(endpoint, values);
    return {
      target: t.target, whole: t.missing.length === 0, body, permalink: permalink(endpoint, values, format),
      faults: endpoint.fields.map((f) => fault(f, values[f.key] ?? [], f.name === endpoint.list_of ? endpoint.max_items : 0)),
      programs: languages.map((l) => program(l, {method: endpoint.method, url: base + t.target, accept: format, body})),
    };
  }),
  sentences: headers.map((h) => [sentence(new Headers(h), 'asia'), short(new Headers(h))]),
  parted: lists.map(parted),
  absent: answers.map(([items, text]) => absent(items, text)),
  messages: errors.map(([type, body]) => message(type, body)),
  exact: 'rawJSON' in JSON,
  numbers: numbers.map((n) => { const v = parse(n); return v?.source ?? String(v); }),
}));
