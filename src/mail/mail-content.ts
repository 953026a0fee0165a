/** A link to a page of the application. A token stands in the fragment, which no server and no proxy log ever sees. */
export interface MailLink {
  readonly label: string;
  readonly path: string;
  readonly token?: string;
}

/** What a mail says: paragraphs, and links where the reader shall act. */
export interface MailContent {
  readonly subject: string;
  readonly parts: readonly (string | MailLink)[];
}

/** A kind of mail. The feature that sends it owns it, and makes it known by `MailModule.forFeature`. */
export interface MailTemplate<Values> {
  /** Kept in the outbox and a label of metrics; unique in the application. */
  readonly name: string;
  readonly compose: (values: Values) => MailContent;
}

/** Ready to be sent. */
export interface RenderedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** @param publicUrl what links begin with */
export function render({ subject, parts }: MailContent, publicUrl: URL): RenderedMail {
  const text = parts.map((part) =>
    typeof part === 'string' ? part : `${part.label}:\n${addressOf(part, publicUrl)}`,
  );
  const html = parts.map((part) =>
    typeof part === 'string'
      ? `<p>${escapeHtml(part).replaceAll('\n', '<br>')}</p>`
      : `<p><a href="${escapeHtml(addressOf(part, publicUrl))}">${escapeHtml(part.label)}</a></p>`,
  );
  const head = `<meta charset="utf-8"><title>${escapeHtml(subject)}</title>`;
  return {
    subject: oneLine(subject),
    text: `${text.join('\n\n')}\n`,
    html: `<!doctype html><html lang="en"><head>${head}</head><body>${html.join('')}</body></html>`,
  };
}

function addressOf({ path, token }: MailLink, publicUrl: URL): string {
  const url = new URL(path, publicUrl);
  // A path that comes from a value, such as //evil.example, would lead somewhere else.
  if (url.origin !== publicUrl.origin) throw new TypeError('A link in a mail leads to the application only');
  if (token !== undefined) url.hash = `token=${encodeURIComponent(token)}`;
  return url.href;
}

/** A line break in a header would begin another one. */
function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}
