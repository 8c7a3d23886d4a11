// One prompt in the three modes: a table that fills while the server measures.
import { byId, bytes, make, number, percent } from './dom.js';

const MODES = ['dense', 'exact', 'predicted'];
const COLUMNS = 6;

export class ModeTable {
  #rows = {};
  #seen = {};

  constructor() {
    byId('modes').tBodies[0].replaceChildren(...MODES.map((mode) => {
      const cells = Array.from({ length: COLUMNS }, () => make('td', {}, '–'));
      this.#rows[mode] = cells;
      return make('tr', {}, make('th', { scope: 'row' }, title(mode)), ...cells);
    }));
  }

  /** A measurement begins. */
  begin() {
    this.#seen = {};
    for (const cells of Object.values(this.#rows)) {
      cells.forEach((cell) => { cell.textContent = '–'; });
    }

    byId('texts').hidden = true;
    byId('compare-text').textContent = 'Measuring…';
  }

  /** How far a mode is. */
  add(progress) {
    this.#seen[progress.mode] = progress;
    const speeds = MODES.map((mode) => this.#seen[mode]?.tokens_per_second ?? 0);
    const most = Math.max(...speeds);
    MODES.forEach((mode, i) => {
      if (!this.#seen[mode]) {
        return;
      }

      const [speed, ratio, computed, unread, read, text] = this.#rows[mode];
      const { counts, differs_at: differs, tokens } = this.#seen[mode];
      if (speeds[i] > 0) {
        const meter = make('meter', { min: 0, max: most, value: speeds[i], 'aria-label': `Speed of ${title(mode)}, of the fastest` });
        speed.replaceChildren(number(speeds[i]), meter);
        ratio.textContent = speeds[0] > 0 ? `${(speeds[i] / speeds[0]).toFixed(2)}×` : '–';
      }

      if (counts) {
        computed.textContent = percent(counts.computed);
        unread.textContent = percent(counts.unread);
        read.textContent = bytes(counts.bytes_per_token);
        text.textContent = mode === 'dense' ? `${tokens} tokens` : differs == null ? 'the same' : `differs from token ${differs + 1} on`;
      }
    });
  }

  /** All modes are measured. */
  end(facts) {
    const seen = MODES.map((mode) => this.#seen[mode]);
    const others = Math.max(...seen.map((progress) => progress.others));
    const timed = Math.min(...seen.map((progress) => progress.timed));
    byId('compare-text').textContent = timed === 0
      ? 'The answer ended before its speed could be measured: give a prompt that goes on for longer, or allow more tokens.'
      : `Measured now on ${facts.device}: the median of ${timed / 8} turns of 8 tokens, `
        + (others === 0 ? 'with no other answer running.' : `beside up to ${others} other answers, which slow all three.`);
    byId('texts').hidden = false;
    byId('texts').querySelector('dl').replaceChildren(...seen.flatMap((progress) => [make('dt', {}, title(progress.mode)), make('dd', {}, progress.text)]));
  }

  /** It failed, or was stopped. */
  stop(message) {
    byId('compare-text').textContent = message;
  }
}

const title = (mode) => mode[0].toUpperCase() + mode.slice(1);
