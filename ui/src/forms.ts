// Actions are plain POST forms. With script, htmx sends them and the page's live regions show the outcome;
// what was refused or not sent is said aloud, since the person may walk away believing it was done.
import htmx from 'htmx.org';

import { refresh } from './live';

function say(text: string): void {
  // an open dialog covers the page, so it says its own mistakes
  const notice = document.querySelector<HTMLElement>('dialog[open] [data-say]') ?? document.getElementById('notice');
  if (!notice) return;
  notice.hidden = !text;
  const body = notice.querySelector('[data-text]');
  (body ?? notice).textContent = text;
}

/** The sentence of an error page, or its status. */
function reason(html: string, status: number): string {
  const page = new DOMParser().parseFromString(html, 'text/html');
  return page.querySelector('[data-error]')?.textContent?.trim() || `the server answered ${status}`;
}

document.addEventListener('htmx:after:request', (event) => {
  if (event.detail.ctx.response?.raw.ok) {
    say('');
    const form = event.target as HTMLElement;
    if (form.matches?.('form[data-reset]')) (form as HTMLFormElement).reset();
    form.closest?.('dialog')?.close();
    refresh();
  }
});
document.addEventListener('htmx:response:error', (event) => {
  const { text, response } = event.detail.ctx;
  say(`Not done: ${reason(String(text ?? ''), response?.status ?? 0)}`);
  refresh();
});
document.addEventListener('htmx:error', () => say('Not sent: the server cannot be reached. Try again.'));
// a note is sent with Enter; Shift and Enter begin a new line
document.addEventListener('keydown', (event) => {
  const field = event.target as HTMLElement;
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || !field.matches('[data-submit]')) return;
  event.preventDefault();
  field.closest('form')?.requestSubmit();
});
document.addEventListener('click', (event) => {
  if ((event.target as Element).closest('[data-dismiss]')) say('');
});

htmx.config.morphIgnore.push('open'); // a <details> that someone opened stays open through a refresh
