import type { Dimension, Subjects } from './policy.js';

/** Who is counted by a dimension, of the subjects that somebody tells; undefined: nobody is known. */
export function subjectValue(subjects: Subjects, dimension: Dimension): string | undefined {
  if (dimension === 'global') return 'all';
  return subjects[dimension] ?? (dimension === 'network' ? subjects.ip : undefined);
}
