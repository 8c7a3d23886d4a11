// The server's API: one question, and answers that come as server-sent events. Addresses are relative, so that a proxy may put the server in a folder.

/** An answer that is an error. Its message is the server's own. */
export class ApiError extends Error {
  constructor(message, status, retryAfter) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** What GET answers. */
export async function get(path, key) {
  const response = await reach(path, { headers: headersOf(key) });
  return response.json();
}

/** The events that POST answers with, one object after the other. Who stops reading, or aborts the signal, ends the request. */
export async function* post(path, body, key, signal) {
  const headers = { ...headersOf(key), 'Content-Type': 'application/json' };
  const response = await reach(path, { method: 'POST', headers, body: JSON.stringify(body), signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  try {
    while (true) {
      const { value, done } = await reader.read();
      if (done) {
        throw new ApiError('The server ended the answer before its end.', 0);
      }

      text += value;
      const events = text.split('\n\n');
      text = events.pop();
      for (const event of events) {
        const data = event.replace(/^data: /, '');
        if (data === '[DONE]') {
          return;
        }

        const read = JSON.parse(data);
        if (read.error) {
          throw new ApiError(read.error.message, response.status);
        }

        yield read;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function reach(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, cache: 'no-store', credentials: 'omit' });
  } catch (fault) {
    throw fault.name === 'AbortError' ? fault : new ApiError('The server cannot be reached.', 0);
  }

  if (response.ok) {
    return response;
  }

  let message = `The server answered with status ${response.status}.`;
  try {
    message = (await response.json()).error.message;
  } catch {
    // A proxy's error is a page of its own: the status has to do.
  }

  throw new ApiError(message, response.status, Number(response.headers.get('Retry-After')) || undefined);
}

const headersOf = (key) => (key ? { Authorization: `Bearer ${key}` } : {});
