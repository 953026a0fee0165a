import { describe, expect, it } from 'vitest';
import { render } from './mail-content.js';

const HOME = new URL('https://app.example.com');

describe('A mail', () => {
  it('says the same as text and as HTML, with links to the application whose token no server sees', () => {
    const mail = render(
      { subject: 'Hello', parts: ['One.\nTwo.', { label: 'Go on', path: '/verify', token: 'a.b-c_d' }] },
      HOME,
    );
    expect(mail.text).toBe('One.\nTwo.\n\nGo on:\nhttps://app.example.com/verify#token=a.b-c_d\n');
    expect(mail.html).toContain('<p>One.<br>Two.</p>');
    expect(mail.html).toContain('<a href="https://app.example.com/verify#token=a.b-c_d">Go on</a>');
  });

  it('is not changed by what its values hold', () => {
    const evil = `</p><script>x</script>"'&\u2028`;
    const mail = render(
      {
        subject: `a\r\nBcc: x@example.com\u0000${evil}`,
        parts: [evil, { label: evil, path: '/p', token: evil }],
      },
      HOME,
    );
    for (const character of ['\r', '\n', '\u0000', '\u2028']) expect(mail.subject).not.toContain(character);
    expect(mail.html).not.toContain('<script>');
    expect(mail.html.match(/<a /g)).toHaveLength(1);
    expect(mail.html).toContain(`#token=${encodeURIComponent(evil).replaceAll("'", '%27')}`.slice(0, 20));
  });

  it.each(['//evil.example/x', 'https://evil.example', 'javascript:alert(1)', '\\\\evil.example'])(
    'leads nowhere else: %j',
    (path) => {
      expect(() => render({ subject: 's', parts: [{ label: 'l', path }] }, HOME)).toThrow(TypeError);
    },
  );
});
