// The map: a row for each layer, a cell for each block of its neurons, for one token of an answer. Right of the cells, what was read of the layer's rows.
import { byId, make, number, percent } from './dom.js';

const LABEL = 34;
const BAR = 96;
const GAP = 10;
const SHADES = [0, 0.05, 0.1, 0.25, 0.5, 1];

export class NeuronMap {
  #canvas = byId('map');
  #tip = byId('map-tip');
  #slider = byId('token');
  #layer = byId('cell-layer');
  #block = byId('cell-block');
  #rows = [];
  #facts;
  #tokens = [];
  #at = -1;
  #follows = true;

  /** Told which token is shown, by its place in the answer. */
  onToken = () => {};

  constructor() {
    new ResizeObserver(() => this.#draw()).observe(byId('map-box'));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
    this.#slider.addEventListener('input', () => {
      this.#follows = Number(this.#slider.value) === this.#tokens.length - 1;
      this.#show(Number(this.#slider.value));
    });
    [this.#layer, this.#block].forEach((slider) => slider.addEventListener('input', () => this.#choose()));
    this.#canvas.addEventListener('click', (event) => this.#click(event));
    this.#canvas.addEventListener('pointermove', (event) => this.#point(event));
    this.#canvas.addEventListener('pointerleave', () => { this.#tip.hidden = true; });
  }

  /** The model whose layers are shown. */
  describe(facts) {
    this.#facts = facts;
    byId('map-text').textContent = facts.no_map
      ?? `A row is a layer of ${number(facts.neurons)} neurons, a cell a block of ${number(facts.neurons / facts.blocks)} of them. Send something to see which are computed for each token.`;
    byId('layers').tBodies[0].replaceChildren(...facts.policies.map((policy, layer) => {
      const cells = Array.from({ length: 4 }, () => make('td'));
      this.#rows[layer] = cells;
      return make('tr', {}, make('th', { scope: 'row' }, String(layer)), make('td', {}, policy), ...cells);
    }));
    this.#layer.max = String(facts.policies.length - 1);
    this.#block.max = String(facts.blocks - 1);
    this.#layer.value = this.#block.value = '0';
    this.#draw();
  }

  /** An answer begins, in a mode. */
  begin(mode) {
    this.mode = mode;
    this.#tokens = [];
    this.#at = -1;
    this.#follows = true;
    this.#slider.disabled = this.#layer.disabled = this.#block.disabled = true;
    this.#draw();
  }

  /** A token, and what was computed for it; shown unless the reader looks at an earlier one. */
  add(text, layers, place) {
    this.#tokens.push({ text, layers, place });
    this.#slider.disabled = this.#layer.disabled = this.#block.disabled = false;
    this.#slider.max = String(this.#tokens.length - 1);
    if (this.#follows) {
      this.#slider.value = this.#slider.max;
      this.#show(this.#tokens.length - 1);
    }
  }

  /** Share of neurons computed, of all layers and tokens; null: nothing was seen. */
  get computed() {
    const shares = this.#tokens.flatMap((token) => token.layers.map((layer) => layer.computed / this.#facts.neurons));
    return shares.length > 0 ? shares.reduce((sum, share) => sum + share, 0) / shares.length : null;
  }

  #show(at) {
    this.#at = at;
    const { text, layers, place } = this.#tokens[at];
    const neurons = this.#facts.neurons;
    byId('token-text').textContent = `${at + 1} of ${this.#tokens.length}: ${JSON.stringify(text)}`;
    const computed = layers.reduce((sum, layer) => sum + layer.computed, 0) / neurons / layers.length;
    const unread = layers.reduce((sum, layer) => sum + layer.unread, 0) / neurons / layers.length;
    byId('map-text').textContent = `Mode ${this.mode}: ${percent(computed)} of the neurons computed`
      + (this.mode === 'dense' ? ', whether they add anything or not.' : unread > 0 ? `, ${percent(unread)} skipped unread, of the others the gate alone read.` : ', of the others the gate alone read.');
    this.#canvas.setAttribute('aria-label', `Map of ${layers.length} layers: ${percent(computed)} of the neurons computed, ${percent(unread)} unread. The numbers of each layer are in the table below.`);
    layers.forEach((layer, i) => {
      const shares = [layer.computed, neurons - layer.computed - layer.unread, layer.unread, layer.missed];
      shares.forEach((count, cell) => { this.#rows[i][cell].textContent = percent(count / neurons); });
    });
    this.#choose();
    this.onToken(place);
  }

  /** The cell of the two sliders is the one that is marked and told of: a screen reader says it with each step of theirs. */
  #choose() {
    const text = this.#told(Number(this.#layer.value), Number(this.#block.value));
    byId('cell-text').textContent = text;
    [this.#layer, this.#block].forEach((slider) => slider.setAttribute('aria-valuetext', text));
    this.#draw();
  }

  /** What a cell is. */
  #told(layer, block) {
    const { neurons, blocks } = this.#facts;
    const { active, experts } = this.#tokens[this.#at].layers[layer];
    const first = Math.floor((block * neurons) / blocks);
    const expert = experts ? `, expert ${experts[Math.floor((first * experts.length) / neurons)]}` : '';
    return `Layer ${layer}${expert}, neurons ${first} to ${first + this.#size(block) - 1}: ${active[block]} of ${this.#size(block)} add something`
      + (this.mode === 'dense' ? '; all are computed' : '');
  }

  #size(block) {
    const { neurons, blocks } = this.#facts;
    return Math.floor(((block + 1) * neurons) / blocks) - Math.floor((block * neurons) / blocks);
  }

  #share(layer, block) {
    return this.mode === 'dense' ? 1 : layer.active[block] / this.#size(block);
  }

  #layout() {
    const width = this.#canvas.clientWidth;
    const layers = this.#facts.policies.length;
    const row = Math.max(5, Math.min(26, Math.floor(420 / layers)));
    return { width, row, height: row * layers, cells: width - LABEL - BAR - GAP };
  }

  #draw() {
    if (!this.#facts || this.#facts.no_map || this.#canvas.clientWidth === 0) {
      this.#canvas.hidden = this.#facts?.no_map != null;
      return;
    }

    const { width, row, height, cells } = this.#layout();
    const scale = devicePixelRatio || 1;
    this.#canvas.style.height = `${height}px`;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    const paint = this.#canvas.getContext('2d');
    paint.scale(scale, scale);
    const colours = new Colours();
    const { blocks, neurons, policies } = this.#facts;
    const layers = this.#tokens[this.#at]?.layers;
    const inset = row > 8 ? 1 : 0.5;
    paint.font = '11px system-ui, sans-serif';
    paint.textBaseline = 'middle';
    policies.forEach((_, i) => {
      const top = i * row;
      if (row >= 12 || i % 4 === 0) {
        paint.fillStyle = colours.quiet;
        paint.textAlign = 'right';
        paint.fillText(String(i), LABEL - 8, top + row / 2);
      }

      for (let block = 0; block < blocks; block++) {
        const left = LABEL + (block * cells) / blocks;
        paint.fillStyle = colours.of(layers ? this.#share(layers[i], block) : 0);
        paint.fillRect(left, top, Math.max(1, cells / blocks - inset), row - inset);
      }

      const left = LABEL + cells + GAP;
      paint.fillStyle = colours.none;
      paint.fillRect(left, top, BAR, row - inset);
      if (layers) {
        const computed = (BAR * layers[i].computed) / neurons;
        const gate = (BAR * (neurons - layers[i].computed - layers[i].unread)) / neurons;
        paint.fillStyle = colours.high;
        paint.fillRect(left, top, computed, row - inset);
        paint.fillStyle = colours.gate;
        paint.fillRect(left + computed, top + row * 0.25, gate, (row - inset) * 0.5);
      }
    });
    if (layers) {
      const block = Number(this.#block.value);
      paint.strokeStyle = colours.chosen;
      paint.lineWidth = 2;
      paint.strokeRect(LABEL + (block * cells) / blocks - 1, Number(this.#layer.value) * row - (row > 8 ? 1 : 0), cells / blocks + 2 - inset, row - inset + (row > 8 ? 2 : 0));
    }

    this.#drawLegend(colours);
  }

  #drawLegend(colours) {
    const swatch = (colour) => {
      const canvas = make('canvas', { width: 1, height: 1, 'aria-hidden': 'true' });
      const paint = canvas.getContext('2d');
      paint.fillStyle = colour;
      paint.fillRect(0, 0, 1, 1);
      return canvas;
    };
    const shades = SHADES.map((share) => [colours.of(share), share === 0 ? 'none' : share === 1 ? 'all' : `${100 * share}%`]);
    const parts = [[colours.high, 'computed'], [colours.gate, 'gate alone read'], [colours.none, 'unread']];
    byId('legend').replaceChildren(...[['Of a block computed:', shades], ['Of a layer, at the right:', parts]].map(([title, items]) =>
      make('li', {}, make('strong', {}, title), ...items.flatMap(([colour, text]) => [swatch(colour), text]))));
  }

  /** The cell under a pointer; null: there is none. */
  #under(event) {
    const { row, cells } = this.#layout();
    const layer = Math.floor(event.offsetY / row);
    const block = Math.floor(((event.offsetX - LABEL) * this.#facts.blocks) / cells);
    return this.#tokens[this.#at]?.layers[layer] && block >= 0 && block < this.#facts.blocks ? { layer, block } : null;
  }

  #point(event) {
    const cell = this.#under(event);
    this.#tip.hidden = !cell;
    if (cell) {
      this.#tip.textContent = this.#told(cell.layer, cell.block);
      this.#tip.style.left = `${Math.max(0, Math.min(event.offsetX + 12, this.#canvas.clientWidth - 240))}px`;
      this.#tip.style.top = `${event.offsetY + 16}px`;
    }
  }

  #click(event) {
    const cell = this.#under(event);
    if (cell) {
      this.#layer.value = String(cell.layer);
      this.#block.value = String(cell.block);
      this.#choose();
    }
  }
}

/** The page's colours, and those between: few neurons of a block are many, so that shades follow the root of a share. */
class Colours {
  constructor() {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(name).trim();
    this.none = read('--map-none');
    this.gate = read('--map-gate');
    this.high = read('--map-high');
    this.quiet = read('--quiet');
    this.low = read('--map-low');
    this.chosen = read('--text');
  }

  of(share) {
    if (share === 0) {
      return this.none;
    }

    const part = Math.sqrt(share);
    const [low, high] = [this.low, this.high].map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
    return `rgb(${low.map((value, i) => Math.round(value + (high[i] - value) * part)).join(' ')})`;
  }
}
