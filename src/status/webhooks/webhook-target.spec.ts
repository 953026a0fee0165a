import { describe, expect, it } from 'vitest';
import { readTarget } from './webhook-target.js';

const STRICT = { ports: [443, 8443], allowLoopback: false };
const LOCAL = { ports: [443], allowLoopback: true };
const PUBLIC = 'lead to a public host';
const HTTPS = 'begin with https://';
const PORT = 'use one of the ports 443, 8443';

describe('the URL of a webhook', () => {
  it.each([
    ['https://hooks.example.com/a?b=c', 'https://hooks.example.com/a?b=c'],
    ['https://HOOKS.example.com:443', 'https://hooks.example.com/'],
    ['https://hooks.example.com:8443/x', 'https://hooks.example.com:8443/x'],
    ['https://1.1.1.1/x', 'https://1.1.1.1/x'],
    ['https://[2606:4700:4700::1111]/x', 'https://[2606:4700:4700::1111]/x'],
    ['https://bücher.example.com/', 'https://xn--bcher-kva.example.com/'],
    ['https://hooks.example.com./', 'https://hooks.example.com./'],
  ])('may be %s', (text, href) => expect(String(readTarget(text, STRICT))).toBe(href));

  it.each([
    // Spellings of addresses that a URL parser reads and a filter of texts does not.
    ['https://127.0.0.1/', PUBLIC],
    ['https://127.1/', PUBLIC],
    ['https://2130706433/', PUBLIC],
    ['https://0x7f.0.0.1/', PUBLIC],
    ['https://0177.0.0.1/', PUBLIC],
    ['https://0/', PUBLIC],
    ['https://①②⑦.0.0.1/', PUBLIC],
    ['https://%31%32%37.0.0.1/', PUBLIC],
    ['https://127.0.0.1./', PUBLIC],
    ['https://169.254.169.254/latest/meta-data', PUBLIC],
    ['https://[::1]/', PUBLIC],
    ['https://[::ffff:127.0.0.1]/', PUBLIC],
    ['https://[64:ff9b::7f00:1]/', PUBLIC],
    ['https://[2002:7f00:1::]/', PUBLIC],
    ['https://[fd00:ec2::254]/', PUBLIC],
    // Names that mean a machine or network of one's own.
    ['https://localhost/', PUBLIC],
    ['https://LOCALHOST./', PUBLIC],
    ['https://a.localhost/', PUBLIC],
    ['https://printer.local/', PUBLIC],
    ['https://metadata.google.internal/', PUBLIC],
    ['https://redis/', PUBLIC],
    ['https://router.home.arpa/', PUBLIC],
    ['https://a.onion/', PUBLIC],
    ['https://a.example/', PUBLIC],
    // Schemes and ports.
    ['http://hooks.example.com/', HTTPS],
    ['ftp://hooks.example.com/', HTTPS],
    ['file:///etc/passwd', HTTPS],
    ['gopher://hooks.example.com/', HTTPS],
    ['javascript:alert(1)', HTTPS],
    ['https://hooks.example.com:6379/', PORT],
    ['https://hooks.example.com:80/', PORT],
    // The rest of a URL.
    ['https://user@hooks.example.com/', 'hold no credentials'],
    ['https://user:pass@hooks.example.com/', 'hold no credentials'],
    ['https://1.1.1.1@127.0.0.1/', 'hold no credentials'],
    ['https://hooks.example.com/#a', 'have no fragment'],
  ])('is refused: %s', (text, rule) => expect(readTarget(text, STRICT)).toBe(rule));

  it.each([
    '',
    'hooks.example.com',
    '//hooks.example.com',
    'https://',
    'https://[::1',
    'https://[fe80::1%25eth0]/',
    'https://hooks.example.com:99999/',
    'https://hooks.exa\nmple.com/',
    ' https://hooks.example.com/',
    'https://hooks.example.com/\0',
    'https://hooks.example.com/\ud800',
    'https://hooks.example.com\\@127.0.0.1/',
    `https://hooks.example.com/${'x'.repeat(3000)}`,
  ])('is none: %j', (text) => expect(readTarget(text, STRICT)).toBe('be a URL of at most 2048 characters'));

  it('may be this machine where that is allowed, and no other inner one', () => {
    expect(String(readTarget('http://127.0.0.1:5000/x', LOCAL))).toBe('http://127.0.0.1:5000/x');
    expect(String(readTarget('http://localhost:5000/', LOCAL))).toBe('http://localhost:5000/');
    expect(readTarget('http://10.0.0.1/', LOCAL)).toBe(HTTPS);
    expect(readTarget('https://10.0.0.1/', LOCAL)).toBe(PUBLIC);
    expect(readTarget('http://hooks.example.com/', LOCAL)).toBe(HTTPS);
    expect(readTarget('ftp://127.0.0.1/', LOCAL)).toBe(HTTPS);
  });
});
