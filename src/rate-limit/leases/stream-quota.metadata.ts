/** Key of the stream quota of a route. */
export const STREAM_QUOTA = Symbol('stream-quota');
