// What happens on the page: a form that asks, a stream that answers, a map and a table beside it.
import { ApiError, get, post } from './api.js';
import { byId, number, percent } from './dom.js';
import { NeuronMap } from './map.js';
import { ModeTable } from './modes.js';
import { Talk } from './talk.js';

const MODE_HINTS = {
  dense: 'Every neuron is computed.',
  exact: 'Neurons whose activation is zero are skipped once their gate is known: the same text as Dense.',
  predicted: 'As Exact, and where the model has a predictor it skips neurons before any of their weights is read.',
};

const talk = new Talk();
const map = new NeuronMap();
const table = new ModeTable();
const prompt = byId('prompt');
let facts;
let turns = [];
let lastPrompt;
let running;

map.onToken = (place) => talk.mark(place);

const key = () => byId('key').value.trim();
const mode = () => document.querySelector('input[name="mode"]:checked')?.value;
const system = () => byId('system').value.trim();

function fault(message) {
  byId('fault').textContent = message;
}

/** What every request says of how tokens are chosen. Empty fields leave it to the server. */
function sampling() {
  const said = { sparsity_mode: mode() };
  for (const [id, name] of [['temperature', 'temperature'], ['top-p', 'top_p'], ['max-tokens', 'max_tokens'], ['seed', 'seed']]) {
    const field = byId(id);
    if (!field.validity.valid) {
      byId('settings').open = true;
      field.focus();
      throw new ApiError(`${field.labels[0].textContent}: ${field.validationMessage}`, 0);
    }

    if (field.value !== '') {
      said[name] = Number(field.value);
    }
  }

  return said;
}

/** A text as the server is asked for it: as the next turn of the conversation, or to go on with. */
const asked = (text) => (facts.chat
  ? { messages: [...(system() ? [{ role: 'system', content: system() }] : []), ...turns, { role: 'user', content: text }] }
  : { prompt: text });

/** Runs one thing at a time, which Stop ends. */
async function run(work) {
  if (running) {
    return;
  }

  fault('');
  running = new AbortController();
  setRunning(true);
  try {
    await work(running.signal);
  } catch (error) {
    if (error.name !== 'AbortError') {
      fault(error.message + (error.retryAfter ? ` Try again in ${error.retryAfter} seconds.` : ''));
      askForKey(error);
    }
  } finally {
    running = undefined;
    setRunning(false);
  }
}

function setRunning(isRunning) {
  byId('send').disabled = isRunning || !facts;
  byId('compare').disabled = isRunning || !facts;
  byId('clear').disabled = isRunning;
  byId('stop').disabled = !isRunning;
  if (!isRunning && (document.activeElement === byId('stop') || document.activeElement === document.body)) {
    prompt.focus();
  }
}

function send() {
  const text = prompt.value;
  if (!text.trim()) {
    fault('There is nothing to send: write something first.');
    prompt.focus();
    return;
  }

  run(async (signal) => {
    const body = { ...asked(text), ...sampling() };
    const name = facts.model;
    let isBegun = false;
    let answer = '';
    let ending = '';
    const begin = () => {
      if (!isBegun) {
        isBegun = true;
        lastPrompt = text;
        prompt.value = '';
        if (facts.chat) {
          talk.ask(text);
        }

        talk.begin(name, facts.chat ? '' : text);
      }
    };
    const add = (piece) => {
      begin();
      answer += piece;
      return talk.add(piece);
    };
    try {
      ending = byId('map-on').checked && !facts.no_map
        ? await mapped(body, signal, begin, add)
        : await plain(body, signal, begin, add);
    } catch (error) {
      ending = error.name === 'AbortError' ? 'Stopped.' : 'Ended by an error.';
      throw error;
    } finally {
      if (isBegun) {
        talk.end(ending);
        if (facts.chat && answer) {
          turns = [...turns, { role: 'user', content: text }, { role: 'assistant', content: answer }];
        }
      }
    }
  });
}

/** An answer as every client of the API gets it. */
async function plain(body, signal, begin, add, note = '') {
  let timings;
  let reason;
  for await (const event of post(facts.chat ? 'v1/chat/completions' : 'v1/completions', { ...body, stream: true }, key(), signal)) {
    begin();
    timings = event.timings ?? timings;
    const choice = event.choices[0];
    const text = facts.chat ? choice?.delta?.content : choice?.text;
    reason = choice?.finish_reason ?? reason;
    if (text) {
      add(text);
    }
  }

  const speed = timings ? `${number(timings.predicted_n)} tokens, ${number(timings.predicted_per_second)} a second` : '';
  return [note, speed, reason === 'length' ? 'cut off at the limit' : ''].filter(Boolean).join('; ');
}

/** An answer of which every token is shown on the map. The server gives one at a time: without it where somebody else has it. */
async function mapped(body, signal, begin, add) {
  let end;
  let reason;
  try {
    for await (const event of post('sparsity', body, key(), signal)) {
      if (event.completion_tokens !== undefined) {
        end = event;
        continue;
      }

      if (!event.layers) {
        map.begin(body.sparsity_mode);
      }

      begin();
      const place = add(event.text);
      reason = event.finish_reason;
      if (event.layers) {
        map.add(event.text, event.layers, place);
      }
    }
  } catch (error) {
    if (error.status !== 429) {
      throw error;
    }

    return plain(body, signal, begin, add, 'without the map, which shows another answer just now');
  }

  const computed = map.computed;
  return [`${number(end.completion_tokens)} tokens`, computed === null ? '' : `${percent(computed)} of the neurons computed`, `seed ${end.seed}`, reason === 'length' ? 'cut off at the limit' : '']
    .filter(Boolean).join('; ');
}

function compare() {
  const text = prompt.value.trim() ? prompt.value : lastPrompt;
  if (!text) {
    fault('There is nothing to measure with: write a prompt first.');
    prompt.focus();
    return;
  }

  run(async (signal) => {
    const { sparsity_mode: _, max_tokens: most = 64, ...rest } = sampling();
    const body = { ...asked(text), ...rest, max_tokens: Math.min(most, facts.max_compared, facts.usual.max_tokens ?? Infinity) };
    table.begin();
    try {
      for await (const event of post('sparsity/modes', body, key(), signal)) {
        table.add(event);
      }

      table.end(facts);
    } catch (error) {
      table.stop(error.name === 'AbortError' ? 'Stopped.' : 'It could not be measured.');
      throw error;
    }
  });
}

/** Learns which model there is, and waits while it is loaded. */
async function connect() {
  const isFirst = !facts;
  try {
    facts = await get('sparsity', key());
  } catch (error) {
    byId('model').textContent = error.message;
    if (error.status === 503 || error.status === 0) {
      setTimeout(connect, 1000);
    }

    askForKey(error);
    return;
  }

  fault('');
  document.title = `${facts.model} – SparseInfer`;
  const policies = [...new Set(facts.policies)];
  byId('model').textContent = `${facts.model} on ${facts.device}: ${facts.policies.length} layers of ${number(facts.neurons)} neurons, context ${number(facts.context)}; predicted: ${policies.join(', ')}`;
  byId('talk-title').textContent = facts.chat ? 'Conversation' : 'Text';
  byId('prompt-label').textContent = facts.chat ? 'Message' : 'Text to go on with';
  byId('system-field').hidden = !facts.chat;
  byId('temperature').placeholder = facts.usual.temperature;
  byId('top-p').placeholder = facts.usual.top_p;
  if (facts.usual.max_tokens) {
    // The most that the server gives anybody.
    const field = byId('max-tokens');
    field.max = facts.usual.max_tokens;
    field.value = field.value === '' ? '' : Math.min(field.value, facts.usual.max_tokens);
  }

  byId('map-on').disabled = facts.no_map !== null;
  if (isFirst) {
    document.querySelector(`input[name="mode"][value="${facts.mode}"]`).checked = true;
    showMode();
    byId('map-on').checked = facts.no_map === null;
    map.describe(facts);
  }

  setRunning(Boolean(running));
}

function askForKey(error) {
  if (error.status === 401) {
    byId('settings').open = true;
    byId('key').focus();
  }
}

function showMode() {
  byId('mode-hint').textContent = MODE_HINTS[mode()] ?? '';
}

byId('ask').addEventListener('submit', (event) => {
  event.preventDefault();
  send();
});
prompt.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (!byId('send').disabled) {
      send();
    }
  }
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    running?.abort();
  }
});
byId('stop').addEventListener('click', () => running?.abort());
byId('clear').addEventListener('click', () => {
  turns = [];
  talk.clear();
  fault('');
  prompt.focus();
});
byId('compare').addEventListener('click', compare);
byId('key').addEventListener('change', connect);
document.querySelectorAll('input[name="mode"]').forEach((choice) => choice.addEventListener('change', showMode));
setRunning(false);
connect();
