import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { Secret } from '../../kernel/redact.js';
import { type Access, LiveAccess } from '../live-access.js';
import { lossFor } from '../loss.js';
import type { Proof } from '../status.types.js';
import { LaneLogin } from './lane-login.js';

const OLD = { username: 'app', password: new Secret('old') };
const NEW = { username: 'app', password: new Secret('new') };

function rig() {
  const clock = new ManualClock();
  const access = new LiveAccess(OLD, {});
  const sent: string[] = [];
  const heard: [string, Access][] = [];
  const server = { answer: (): Promise<unknown> => Promise.resolve('OK') };
  access.keeper = {
    prepare: () => Promise.resolve(),
    accepted: (used) => heard.push(['accepted', used]),
    refused: (loss, used) => heard.push([`refused ${loss.reason}`, used]),
    seeking: false,
    look: () => Promise.resolve(false),
    stop: () => undefined,
  };
  const login = new LaneLogin({
    access,
    budget: { commandMs: 5000, silenceMs: 2500 },
    clock,
    call: (...words) => {
      sent.push(words.join(' '));
      return server.answer();
    },
  });
  const connect = () => {
    login.dialling();
    login.greeting();
    login.proven();
  };
  return { clock, access, login, sent, heard, server, connect };
}

describe('The login of a lane', () => {
  it('is made anew with what is in use, and not twice', async () => {
    const { access, login, sent, connect } = rig();
    connect();
    expect(await login.renew()).toBe('accepted');
    access.credentials = NEW;
    expect(await login.renew()).toBe('accepted');
    expect(await login.renew()).toBe('accepted');
    expect(sent).toEqual(['AUTH app new']);
  });

  it('is made anew by itself when that was replaced between greeting and proof', () => {
    const { access, login, sent } = rig();
    login.dialling();
    expect(login.greeting()).toBe(OLD);
    access.credentials = NEW;
    login.proven();
    expect(sent).toEqual(['AUTH app new']);
  });

  it('tells what a refusal by the server is, and what a lost connection', async () => {
    const { access, login, server, connect } = rig();
    connect();
    access.credentials = NEW;
    server.answer = () => Promise.reject(Object.assign(new Error('WRONGPASS no'), { name: 'ReplyError' }));
    expect(await login.renew()).toBe('refused');
    server.answer = () => Promise.reject(new Error('Connection is closed.'));
    expect(await login.renew()).toBe('disconnected');
    server.answer = () => Promise.resolve('OK');
    expect(await login.renew()).toBe('accepted');
  });

  it('waits as long as a read may block, and no longer', async () => {
    const { clock, access, login, server, connect } = rig();
    connect();
    access.credentials = NEW;
    server.answer = () => new Promise(() => undefined);
    const relogin = login.renew();
    clock.advance(7500);
    expect(await relogin).toBe('disconnected');
  });

  it('is no login where there is no password', async () => {
    const { access, login, sent, connect } = rig();
    connect();
    access.credentials = {};
    expect(await login.renew()).toBe('accepted');
    expect(sent).toEqual([]);
  });

  it('says what a server accepted and what it refused, by what the connection was made with', () => {
    const { access, login, heard, connect } = rig();
    connect();
    access.credentials = NEW;
    login.lost(lossFor('auth'));
    login.lost(lossFor('tls'));
    login.lost(lossFor('reset'));
    login.lost(lossFor('noperm'));
    expect(heard.map(([what, used]) => [what, used.credentials])).toEqual([
      ['accepted', OLD],
      ['refused auth', OLD],
      ['refused tls', OLD],
      ['refused noperm', OLD],
    ]);
  });

  it('says what a proof has against the user, whatever else is wrong with the server', () => {
    const { login, heard, connect } = rig();
    connect();
    const against = (fact: Proof['fact']): Proof => ({ fact, verdict: 'contradicted', detail: '' });
    login.lost(lossFor('noreplicas'), [against('replication'), against('commands')]);
    login.lost(lossFor('misconf'), [against('eviction')]);
    expect(heard.map(([what]) => what)).toEqual(['accepted', 'refused noperm']);
  });
});
