// The conversation: what was asked, and answers as they grow.
import { byId, make } from './dom.js';

export class Talk {
  #log = byId('log');
  #said = byId('said');
  #parts = [];
  #unsaid = '';
  #chosen = null;

  /** What was asked. */
  ask(text) {
    this.#log.append(make('div', { class: 'turn own' }, make('h3', {}, 'You'), text));
  }

  /** An answer begins. A text that is gone on with stands before it. */
  begin(name, given) {
    this.#parts = [];
    this.#unsaid = '';
    this.mark(-1);
    this.#said.replaceChildren();
    this.text = make('span', { class: 'text' });
    this.turn = make('div', { class: 'turn answer' }, make('h3', {}, name));
    if (given) {
      this.turn.append(make('span', { class: 'given' }, given));
    }

    this.turn.append(this.text);
    this.#log.append(this.turn);
    this.#scroll();
  }

  /** More of the answer. Returns its place, which can be marked. */
  add(text) {
    const part = make('span', {}, text);
    const isAtEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 40;
    this.text.append(part);
    this.#parts.push(part);
    this.#say(text);
    if (isAtEnd) {
      this.#scroll();
    }

    return this.#parts.length - 1;
  }

  /** The answer is over; what is left of it is said, and facts stand below it. */
  end(facts) {
    this.#say('', true);
    if (facts) {
      this.turn.append(make('p', { class: 'facts hint' }, facts));
      this.#scroll();
    }
  }

  /** Marks a part of the answer: the token that the map shows. */
  mark(place) {
    this.#chosen?.classList.remove('chosen');
    this.#chosen = this.#parts[place];
    this.#chosen?.classList.add('chosen');
  }

  /** Everything begins anew. */
  clear() {
    this.#log.replaceChildren();
    this.#said.replaceChildren();
    this.#parts = [];
  }

  /** A screen reader is told whole sentences: single tokens would be noise. */
  #say(text, isEnd = false) {
    this.#unsaid += text;
    const next = () => (isEnd ? this.#unsaid.length : this.#unsaid.search(/[.!?…。]["'”’)]*\s+\S|\n/) + 1);
    for (let end = next(); end > 0; end = next()) {
      const said = this.#unsaid.slice(0, end).trim();
      this.#unsaid = this.#unsaid.slice(end);
      if (said) {
        this.#said.append(make('p', {}, said));
      }
    }
  }

  #scroll() {
    this.#log.scrollTop = this.#log.scrollHeight;
  }
}
