import { describe, expect, it } from 'vitest';
import { staysPending, waitFor } from './wait-for.js';

describe('waitFor', () => {
  it('returns the first truthy value', async () => {
    let calls = 0;
    await expect(waitFor(() => ++calls >= 3 && `call ${calls}`, { what: 'three calls' })).resolves.toBe(
      'call 3',
    );
  });

  it('survives a predicate that throws at first', async () => {
    let calls = 0;
    const predicate = async (): Promise<string> => {
      if (++calls < 3) throw new Error('not yet');
      return 'done';
    };
    await expect(waitFor(predicate, { what: 'an end of errors' })).resolves.toBe('done');
  });

  it('says what was awaited and what was seen last', async () => {
    await expect(waitFor(() => 0, { what: 'a number', timeoutMs: 20 })).rejects.toThrow(
      'Timed out after 20 ms waiting for a number; last seen: 0',
    );
    const failing = (): never => {
      throw new Error('still refused');
    };
    await expect(waitFor(failing, { what: 'a connection', timeoutMs: 20 })).rejects.toThrow(
      'last seen: an error: still refused',
    );
  });

  it('ends although the predicate never settles', async () => {
    const never = (): Promise<boolean> => new Promise(() => undefined);
    await expect(waitFor(never, { what: 'an answer', timeoutMs: 20 })).rejects.toThrow(
      'last seen: nothing: the predicate has not finished once',
    );
  });
});

describe('staysPending', () => {
  it('tells a silence from a result and from a failure', async () => {
    const never = new Promise(() => undefined);
    await expect(staysPending([never], 20)).resolves.toBe(true);
    await expect(staysPending([never, Promise.resolve()], 20)).resolves.toBe(false);
    await expect(staysPending([never, Promise.reject(new Error('lost'))], 20)).resolves.toBe(false);
  });
});
