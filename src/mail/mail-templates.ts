import type { MailTemplate } from './mail-content.js';

/** Every kind of mail that the features of the application send, by its name. */
export class MailTemplates {
  private readonly templates = new Map<string, MailTemplate<never>>();

  /** @throws Error where two features call theirs by one name: a programming error */
  add(templates: readonly MailTemplate<never>[]): void {
    for (const template of templates) {
      const known = this.templates.get(template.name);
      if (known && known !== template) throw new Error(`There are two mail templates "${template.name}"`);
      this.templates.set(template.name, template);
    }
  }

  find(name: string): MailTemplate<never> | undefined {
    return this.templates.get(name);
  }
}
