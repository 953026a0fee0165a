import type { Settings } from '../../config/index.js';
import type { Compartment } from '../compartment.js';
import type { LanesOptions } from '../compartment-lanes.js';
import type { PlannedPurpose } from '../redis-plan.js';
import { AccessFiles } from './access-files.js';
import { PurposeRotation } from './purpose-rotation.js';
import { rehearse } from './rehearsal.js';
import type { RotationReport } from './rotation-report.js';

export interface RotationParts {
  readonly compartment: Compartment;
  /** As the compartment makes its lanes. */
  readonly lanes: LanesOptions;
  readonly settings: Settings;
  readonly report: RotationReport;
}

/** What renews the access of a purpose; nothing for an embedded engine, which asks nobody for a password. */
export function createRotation(
  { connection, request, definition }: PlannedPurpose,
  { compartment, lanes, settings, report }: RotationParts,
): PurposeRotation | undefined {
  const { access, target, topology } = connection;
  if (!target) return undefined;
  const { provider } = request;
  return new PurposeRotation({
    source: compartment.faultSource,
    access,
    target,
    files: new AccessFiles(request, settings),
    ...(provider === undefined ? {} : { provider }),
    userRequired: lanes.enforced && definition.aclUser === 'required',
    report,
    clock: lanes.clock,
    ...(topology.kind === 'sentinel' ? { sentinels: topology.credentials } : {}),
    rehearse: (candidate, signal, sentinels) => {
      const credentials = sentinels ?? access.beside;
      const asked = topology.kind === 'sentinel' && credentials ? { ...topology, credentials } : topology;
      return rehearse(
        { ...lanes, connection: { ...connection, topology: asked, access: candidate } },
        signal,
      );
    },
    connected: () => compartment.snapshot().lanes.some(({ connected }) => connected),
    relogin: () => compartment.rotate(),
  });
}
