/** Why a stream is ended from here, in words that its client gets to read. */
export type EndReason = 'age' | 'drain' | 'expired' | 'revoked' | 'error';

/** Why a stream ended: `slow` and `stalled` are cut without a word. */
export type CloseReason = EndReason | 'client' | 'slow' | 'stalled';
