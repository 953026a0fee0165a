// @ts-check
import { fileURLToPath } from 'node:url';
import { format, getFileInfo, resolveConfig } from 'prettier';

/**
 * A generated text as the formatter of this repository would leave it, so that both checks agree on it.
 * @type {(path: string, text: string) => Promise<string>}
 */
export async function pretty(path, text) {
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url));
  const { inferredParser } = await getFileInfo(file);
  return inferredParser ? format(text, { ...(await resolveConfig(file)), parser: inferredParser }) : text;
}
