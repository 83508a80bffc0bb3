// JSON as a tree that folds. What is not open is not built, and long lists are
// built a piece at a time, so that a large answer costs what is looked at.
import {el} from './base.js';

const piece = 100; // members that are built at once
const open = 300; // lines that are built unasked
const long = 2000; // characters of a string that are shown unasked

// Exact is a number that a double would change.
class Exact {
  constructor(source) { this.source = source; }
}

/** parse is JSON.parse that keeps numbers as they are written, where the browser can. */
export function parse(text) {
  return JSON.parse(text, (key, value, context) =>
    (typeof value === 'number' && context?.source !== undefined && String(value) !== context.source ? new Exact(context.source) : value));
}

/** tree is an element that shows a value. */
export function tree(value) {
  const budget = {lines: open};
  const root = el('div', {class: 'json'});
  root.append(node(null, value, true, budget));
  return root;
}

const span = (kind, text) => el('span', {class: kind}, text);

const isBranch = (value) => value !== null && typeof value === 'object' && !(value instanceof Exact) && Object.keys(value).length > 0;

function node(key, value, last, budget) {
  const label = key === null ? [] : [span('k', JSON.stringify(key)), ': '];
  const comma = last ? '' : ',';
  budget.lines--;
  if (!isBranch(value)) return el('div', {class: 'leaf'}, ...label, ...leaf(value), comma);
  const list = Array.isArray(value);
  const count = list ? value.length : Object.keys(value).length;
  const [from, to] = list ? '[]' : '{}';
  const kids = el('div', {class: 'kids'});
  const branch = el('details', {}, el('summary', {}, ...label, from, el('span', {class: 'folded'}, ` ${count.toLocaleString('en')} ${count === 1 ? 'entry' : 'entries'} ${to}${comma}`)), kids, el('div', {class: 'end'}, to + comma));
  // A level at a time, so that the first lines of all come before the last of one.
  if (budget.lines - Math.min(count, piece) >= 0) {
    branch.open = true;
    more(kids, value, 0, budget);
  } else {
    branch.addEventListener('toggle', () => more(kids, value, 0, {lines: piece}), {once: true});
  }
  return branch;
}

// more builds the next members of a branch.
function more(kids, value, from, budget) {
  const keys = Array.isArray(value) ? null : Object.keys(value);
  const count = keys ? keys.length : value.length;
  const end = Math.min(count, from + piece);
  budget.lines -= end - from;
  for (let i = from; i < end; i++) {
    budget.lines++;
    kids.append(node(keys ? keys[i] : null, value[keys ? keys[i] : i], i === count - 1, budget));
  }
  if (end === count) return;
  const button = el('button', {type: 'button', class: 'rest'}, `Show ${Math.min(piece, count - end).toLocaleString('en')} more of ${(count - end).toLocaleString('en')}`);
  button.addEventListener('click', () => {
    more(kids, value, end, {lines: piece});
    const next = button.nextElementSibling;
    button.remove();
    const target = next.querySelector('summary') ?? next;
    if (target === next) next.tabIndex = -1;
    target.focus({preventScroll: true});
  });
  kids.append(button);
}

function leaf(value) {
  if (value instanceof Exact) return [span('n', value.source)];
  if (typeof value === 'number') return [span('n', String(value))];
  if (typeof value !== 'string') return [span('w', JSON.stringify(value))];
  const text = JSON.stringify(value);
  if (text.length <= long) return [span('s', text)];
  const shown = span('s', `${text.slice(0, long)}…`);
  const button = el('button', {type: 'button', class: 'rest'}, `Show all ${value.length.toLocaleString('en')} characters`);
  button.addEventListener('click', () => {
    shown.textContent = text;
    shown.tabIndex = -1;
    button.remove();
    shown.focus({preventScroll: true});
  });
  return [shown, ' ', button];
}
