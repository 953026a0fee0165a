import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '../../support/clean-up.js';

/** A folder of secrets, and the ways in which their keepers replace them. */
export class SecretFolder {
  readonly dir = temporaryDirectory('secrets');
  private versions = 0;

  path(name: string): string {
    return join(this.dir, name);
  }

  /** In place, as `printf > file` does. */
  write(name: string, text: string): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  /** Beside it and renamed over it: no reader sees half a file. */
  replace(name: string, text: string): string {
    writeFileSync(this.path(`${name}.next`), text);
    renameSync(this.path(`${name}.next`), this.path(name));
    return this.path(name);
  }

  /**
   * As Kubernetes mounts a secret: each name is a link through `..data`, which is itself a link to a folder and is
   * swapped as a whole.
   */
  mount(files: Readonly<Record<string, string>>): void {
    this.versions += 1;
    const version = `..version_${this.versions}`;
    mkdirSync(this.path(version));
    for (const [name, text] of Object.entries(files)) writeFileSync(this.path(join(version, name)), text);
    symlinkSync(version, this.path('..data_tmp'));
    renameSync(this.path('..data_tmp'), this.path('..data'));
    if (this.versions > 1) {
      rmSync(this.path(`..version_${this.versions - 1}`), { recursive: true });
      return;
    }
    for (const name of Object.keys(files)) symlinkSync(join('..data', name), this.path(name));
  }
}
