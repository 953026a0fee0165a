import { describe, expect, it } from 'vitest';
import { maskedTarget } from './masked-target.js';

describe('maskedTarget', () => {
  it.each([
    ['email', 'ann@example.com', 'a***@example.com'],
    ['email', '😀nn@example.com', '😀***@example.com'],
    ['email', 'nonsense', '***'],
    ['email', undefined, '***'],
    ['webhook', 'https://hooks.example.com/T0/secret?k=1', 'https://hooks.example.com/***'],
    ['webhook', 'https://hooks.example.com:8443/x', 'https://hooks.example.com:8443/***'],
    ['webhook', '', '***'],
  ] as const)('%s %s', (channel, target, masked) => expect(maskedTarget(channel, target)).toBe(masked));
});
