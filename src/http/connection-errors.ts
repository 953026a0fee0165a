import { STATUS_CODES, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { requestIdOf } from './request-id.js';
import { PROBLEM_TYPE, problemOfStatus } from './problem.js';

const STATUS_OF: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/**
 * Answers what Node's parser refuses before there is a request: malformed lines, headers that are too large,
 * requests that never end. There is no reply object yet, so the response is written by hand.
 */
export function answerConnectionError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  const requestId = requestIdOf({ headers: {} });
  const { status, body } = problemOfStatus(STATUS_OF[error.code ?? ''] ?? 400, { requestId, url: '' });
  const { instance: _unknown, ...document } = body;
  const text = JSON.stringify(document);
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      `content-type: ${PROBLEM_TYPE}`,
      `content-length: ${Buffer.byteLength(text)}`,
      `x-request-id: ${requestId}`,
      'cache-control: no-store',
      'connection: close',
      '',
      text,
    ].join('\r\n'),
    () => socket.destroy(),
  );
}

/** After the head of a response, another one would become part of its body. Node's own handler looks here too. */
function isAnswering(socket: Socket): boolean {
  const message: unknown = Reflect.get(socket, '_httpMessage');
  return message instanceof ServerResponse && message.headersSent;
}
