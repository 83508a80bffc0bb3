// The list of endpoints: words that are typed narrow it, arrows walk through it.

const input = document.getElementById('search');
const list = document.getElementById('list');

function filter() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  let total = 0;
  for (const section of list.querySelectorAll(':scope > section')) {
    let some = false;
    for (const entry of section.querySelectorAll('[data-words]')) {
      const text = `${entry.textContent} ${entry.dataset.words}`.toLowerCase();
      entry.hidden = !words.every((w) => text.includes(w));
      total++;
      if (!entry.hidden) {
        found++;
        some = true;
      }
    }
    section.hidden = !some;
    const id = section.querySelector('h2').id;
    const topic = id && document.querySelector(`.topics a[href="#${CSS.escape(id)}"]`);
    if (topic) topic.hidden = !some;
  }
  document.getElementById('found').textContent = `${found} of ${total} endpoints`;
  const nothing = document.getElementById('nothing');
  nothing.hidden = found > 0;
  nothing.querySelector('span').textContent = input.value.trim();
}

// top brings what was found to just below the field, which stays where it is.
function top() {
  const side = list.closest('.side');
  if (side) side.scrollTop = 0;
  const start = input.form.previousElementSibling.getBoundingClientRect().bottom;
  if (!side && start < 0) scrollBy({top: start, behavior: 'instant'});
}

const links = () => [...list.querySelectorAll('a[data-endpoint]')].filter((a) => a.checkVisibility());

if (input && list) {
  if (input.value !== '') filter(); // as the browser restored it
  input.addEventListener('input', () => {
    filter();
    top();
  });
  input.form.addEventListener('submit', (event) => {
    event.preventDefault();
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return;
    const all = links(); // one whose path has the words goes before one that is about them
    (all.find((a) => words.every((w) => `/${a.textContent} ${a.dataset.endpoint}`.toLowerCase().includes(w))) ?? all[0])?.click();
  });
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const at = event.target;
    if (event.key === '/' && !at.closest('input, textarea, select, [contenteditable]')) {
      event.preventDefault();
      if (!input.checkVisibility()) { // narrow pages of one endpoint have no list
        location.href = '/#search';
        return;
      }
      input.focus();
      input.select();
    } else if (event.key === 'Escape' && (at === input || list.contains(at))) {
      event.preventDefault();
      input.value = '';
      filter();
      top();
      input.focus();
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (at !== input && !at.matches('a[data-endpoint]')) return;
      const all = links();
      const next = at === input ? (event.key === 'ArrowDown' ? 0 : -2) : all.indexOf(at) + (event.key === 'ArrowDown' ? 1 : -1);
      event.preventDefault();
      if (next === -1) input.focus();
      else all[next]?.focus();
    }
  });
  if (location.hash === '#search') input.focus();
  // The endpoint that is shown is in sight in the list beside it.
  const current = list.querySelector('[aria-current]');
  const side = current?.closest('.side');
  if (side) side.scrollTop = current.offsetTop - side.clientHeight / 2;
}
