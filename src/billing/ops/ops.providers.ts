import type { Provider } from '@nestjs/common';
import { Backfill } from './backfill/backfill.js';
import { BackfillStore } from './backfill/backfill-store.js';
import { StripeAccount } from './backfill/stripe-account.js';
import { DeadLetterWork } from './dead-letter-work.js';
import { DeadLetters } from './dead-letters.js';
import { Lag } from './lag.js';
import { AssignReplay } from './replay/assign-replay.js';
import { ProjectorReplay } from './replay/projector-replay.js';
import { RebuildStore } from './replay/rebuild-store.js';
import { Replay } from './replay/replay.js';
import { ReplayResults } from './replay/replay-results.js';
import { ReplayWorks } from './replay/replay-works.js';
import { StreamReplay } from './replay/stream-replay.js';
import { TenantRebuild } from './replay/tenant-rebuild.js';

/** What operators do, for the application and for the command line, which has no workers and no HTTP. */
export const opsProviders: Provider[] = [
  Backfill,
  BackfillStore,
  StripeAccount,
  DeadLetters,
  DeadLetterWork,
  Lag,
  AssignReplay,
  ProjectorReplay,
  StreamReplay,
  Replay,
  ReplayResults,
  ReplayWorks,
  RebuildStore,
  TenantRebuild,
];
