import { Subject } from './subject.js';

/**
 * Longer texts are not kept: they may come from a header, and 16 KiB for each subject would fill the memory. Such
 * subjects are told apart by their digest, and patterns of operators see their beginning.
 */
const LONGEST_TEXT = 200;

export interface SubjectTableOptions {
  readonly dimension: string;
  /** Subjects at most; 460 bytes each with one limit, and 210 for each further one. */
  readonly capacity: number;
  /** The one spelling of a subject, from whatever notation it comes in. */
  readonly canonical: (value: string) => string;
  readonly digest: (canonical: string) => string;
  /** Told how many subjects were forgotten because the table was full. */
  readonly onForgotten?: (count: number) => void;
}

/**
 * The subjects of one dimension, by the text they come as. Least recently used ones go first, in two halves: what was
 * not asked for while half a table of others came is forgotten as a whole. So the table costs two lookups at most, and
 * who fills it with strangers does not push out those who keep coming.
 */
export class SubjectTable {
  private young = new Map<string, Subject>();
  private old = new Map<string, Subject>();

  constructor(private readonly options: SubjectTableOptions) {}

  get size(): number {
    return this.young.size + this.old.size;
  }

  get(value: string): Subject {
    const known = this.young.get(value);
    if (known) return known;
    if (value.length > LONGEST_TEXT) return this.admit(value);
    const aged = this.old.get(value);
    if (aged) this.old.delete(value);
    // Another notation keeps its subject young together with itself, so that the next one leads to it as well.
    return this.keep(value, aged?.value === value ? aged : this.admit(value));
  }

  /** Another notation of a known subject becomes a second entry for it. */
  private admit(value: string): Subject {
    const { dimension, canonical, digest } = this.options;
    const spelling = canonical(value);
    if (spelling.length > LONGEST_TEXT) {
      const id = digest(spelling);
      return this.named(id) ?? this.keep(`\n${id}`, new Subject(dimension, beginningOf(spelling), id));
    }
    if (spelling === value) return new Subject(dimension, spelling, digest(spelling));
    if (canonical(spelling) === spelling) return this.get(spelling);
    // A spelling that is no notation itself, such as 2001:db8::/64.
    return (
      this.named(spelling) ?? this.keep(`\n${spelling}`, new Subject(dimension, spelling, digest(spelling)))
    );
  }

  /** A subject that is kept under a name that no text of a request can be. */
  private named(name: string): Subject | undefined {
    const key = `\n${name}`;
    const known = this.young.get(key) ?? this.old.get(key);
    if (known && this.old.delete(key)) this.keep(key, known);
    return known;
  }

  private keep(value: string, subject: Subject): Subject {
    if (this.young.size >= this.options.capacity / 2) {
      if (this.old.size > 0) this.options.onForgotten?.(this.old.size);
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(value, subject);
    return subject;
  }
}

/** A copy: a part of a text would keep all of it in memory. */
function beginningOf(text: string): string {
  return Buffer.from(text.slice(0, LONGEST_TEXT)).toString();
}
