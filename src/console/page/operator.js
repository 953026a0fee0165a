// What operators may see. The token stays in this page's memory and goes nowhere but into the header.

let token = '';

/** @param {string} text */
export function useToken(text) {
  token = text;
}

/** The server wants another token, or one at all. */
export class NotAnOperator extends Error {}

/**
 * @param {string} path
 * @returns {Promise<Response>} whatever the status
 * @throws {NotAnOperator} and TypeError while nobody answers
 */
export async function ask(path) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const response = await fetch(path, { headers, cache: 'no-store' });
  if (response.status === 401) throw new NotAnOperator();
  return response;
}
