import type { AppFeatures } from '../../src/app.features.js';
import { CHAT_EXTRACTORS, CHAT_POLICIES, CHAT_STREAM_QUOTAS } from './chat.limits.js';
import { ChatModule } from './chat.module.js';
import { EMBEDDINGS } from './embeddings.purpose.js';

/** What `src/app.features.ts` would say: all that the application has to be told about this feature. */
export const features: AppFeatures = {
  imports: [ChatModule],
  redis: { purposes: { embeddings: EMBEDDINGS } },
  rateLimit: {
    policies: CHAT_POLICIES,
    streamQuotas: CHAT_STREAM_QUOTAS,
    extractors: CHAT_EXTRACTORS,
  },
};
