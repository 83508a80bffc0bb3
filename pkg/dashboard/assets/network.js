// The network page: what scripts add to it. Its HTML is made by the server alone;
// news are this same page, asked for again.
import './base.js';
import {follow} from './network-live.js';
import {refresh, show} from './network-page.js';
import './network-ask.js';

if (document.getElementById('drain')) import('./network-operate.js');

follow(refresh);

// A region is selected without leaving the page.
document.addEventListener('click', (event) => {
  const link = event.target.closest('a[data-select]');
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const href = link.getAttribute('href');
  show(href, {push: true, focus: 'detail-title'});
});

addEventListener('popstate', () => show(location.href));
