import type { FaultRow } from './fault-row.js';
import { NETWORK_FAULTS } from './network-faults.js';
import { RIGHTS_FAULTS } from './rights-faults.js';
import { SERVER_FAULTS } from './server-faults.js';
import { TLS_FAULTS } from './tls-faults.js';
import { WRITE_FAULTS } from './write-faults.js';

/** Every fault that a compartment is held against, by family. */
export const FAULTS: readonly FaultRow[] = [
  ...NETWORK_FAULTS,
  ...SERVER_FAULTS,
  ...WRITE_FAULTS,
  ...RIGHTS_FAULTS,
  ...TLS_FAULTS,
];
