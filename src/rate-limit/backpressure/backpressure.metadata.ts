/** Key of the backlog that a route adds to. */
export const BACKPRESSURE = Symbol('backpressure');
