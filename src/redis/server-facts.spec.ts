import { describe, expect, it } from 'vitest';
import { readClientInfo, readServerInfo } from './server-facts.js';

const INFO = [
  '# Server',
  'redis_version:7.0.15',
  'run_id:6c1ad92a0b4ad33e0f4e4a3b7ff6a8d5a1f0c4de',
  'executable:/usr/bin/redis-server',
  '',
  '# Memory',
  'maxmemory_policy:noeviction',
  '',
  '# Persistence',
  'loading:0',
  'async_loading:0',
  'aof_enabled:1',
  '',
  '# Replication',
  'role:master',
  '',
].join('\r\n');

describe('readServerInfo', () => {
  it('reads what the purposes rely on', () => {
    expect(readServerInfo(INFO)).toEqual({
      version: '7.0.15',
      runId: '6c1ad92a0b4ad33e0f4e4a3b7ff6a8d5a1f0c4de',
      role: 'master',
      evictionPolicy: 'noeviction',
      aof: true,
      loading: false,
    });
  });

  it.each([
    ['redis_version', 'version'],
    ['run_id', 'runId'],
    ['role', 'role'],
    ['maxmemory_policy', 'evictionPolicy'],
    ['aof_enabled', 'aof'],
    ['loading', 'loading'],
  ])('knows nothing of %s where the server hides or empties it', (field, fact) => {
    const hidden = INFO.replace(new RegExp(`^${field}:.*\\r\\n`, 'm'), '');
    const empty = INFO.replace(new RegExp(`^${field}:.*$`, 'm'), `${field}:\r`);
    expect(readServerInfo(hidden)).not.toHaveProperty(fact);
    expect(readServerInfo(empty)).not.toHaveProperty(fact);
  });

  it.each([
    ['aof_enabled:0', { aof: false }],
    ['aof_enabled:1', { aof: true }],
    ['loading:1', { loading: true }],
    ['loading:0', { loading: false }],
    ['role:slave', { role: 'slave' }],
    ['redis_version:255.255.255', { version: '255.255.255' }],
  ])('reads %s', (line, facts) => {
    expect(readServerInfo(line)).toEqual(facts);
  });

  it('takes lines that end without a carriage return', () => {
    expect(readServerInfo(INFO.replaceAll('\r', ''))).toEqual(readServerInfo(INFO));
  });

  it('makes nothing of text that is not INFO', () => {
    expect(readServerInfo('')).toEqual({});
    expect(readServerInfo('HTTP/1.1 400 Bad Request')).toEqual({});
  });
});

describe('readClientInfo', () => {
  const LINE =
    'id=3 addr=127.0.0.1:50188 laddr=127.0.0.1:6379 fd=8 name=bulkhead:rateLimit:command:host:1 age=0 idle=0 ' +
    'flags=N db=2 sub=0 multi=-1 qbuf=26 cmd=client|info user=limits redir=-1 resp=2 lib-name= lib-ver=\n';

  it('reads database, user and name', () => {
    expect(readClientInfo(LINE)).toEqual({
      db: 2,
      user: 'limits',
      clientName: 'bulkhead:rateLimit:command:host:1',
    });
  });

  it.each(['db', 'user', 'name'])('leaves %s out where the server does', (field) => {
    const facts = Object.keys(readClientInfo(LINE.replace(new RegExp(` ${field}=\\S+`), '')));
    expect(facts).not.toContain(field === 'name' ? 'clientName' : field);
    expect(facts).toHaveLength(2);
  });

  it('is not misled by a name that holds an equals sign', () => {
    expect(readClientInfo('name=a=b db=1 user=u').clientName).toBe('a=b');
  });

  it('takes an empty name for none', () => {
    expect(readClientInfo('id=3 name= db=0 user=default')).toEqual({ db: 0, user: 'default' });
  });
});
