import { describe, expect, it } from 'vitest';
import { HandshakeError } from '../handshake-error.js';
import { type FirstAnswer, notA, wrongKind } from './wrong-kind.js';

const good: FirstAnswer = {};
const wrong: FirstAnswer = { failure: notA('Sentinel', 'host:6379') };
const away: FirstAnswer = { failure: new HandshakeError('refused', 'nothing listens there') };
const locked: FirstAnswer = { failure: new HandshakeError('auth', 'refused', 'sentinel-credentials') };
const unnamed: FirstAnswer = {
  failure: new HandshakeError('topology', 'knows no primary', 'sentinel-name'),
};

describe('wrongKind', () => {
  it.each<[title: string, answers: FirstAnswer[], suspect: string | undefined]>([
    ['all are as they should be', [good, good], undefined],
    ['one is away', [good, away], undefined],
    ['all are away', [away, away], undefined],
    ['one asks for a password', [locked, good], undefined],
    ['all are of the wrong kind', [wrong, wrong], 'topology'],
    ['the only one that tells is of the wrong kind', [wrong, away], 'topology'],
    ['the one of the URL is away, and the other of the wrong kind', [away, wrong], 'topology'],
    ['the one of the URL is of the wrong kind', [wrong, good, good], 'address'],
    ['one of the list is of the wrong kind', [good, good, wrong], 'nodes'],
    ['two of the list are of the wrong kind', [good, wrong, wrong], 'nodes'],
    ['one is of the right kind and knows no such name', [unnamed, good], 'sentinel-name'],
    ['all are of the right kind and know no such name', [unnamed, unnamed], 'sentinel-name'],
    ['one of the list is of the wrong kind, and the other knows no such name', [unnamed, wrong], 'nodes'],
  ])('blames, where %s, %s', (_, answers, suspect) => {
    const found = wrongKind(answers);
    expect([found?.reason, found?.suspect]).toEqual([suspect && 'topology', suspect]);
  });

  it('says which server it is', () => {
    expect(wrongKind([good, wrong])?.message).toBe('the server at host:6379 is no Sentinel');
    expect(notA('node of a cluster', 'h:1').message).toBe('the server at h:1 is no node of a cluster');
  });
});
