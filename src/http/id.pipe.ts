import type { PipeTransform } from '@nestjs/common';
import { uuidOf } from '../kernel/uuid.js';

/** For an id in a path: `@Param('id', IdPipe)` is it as we write it. What is no id passes as it is, and nothing has it. */
export class IdPipe implements PipeTransform<string, string> {
  transform(text: string): string {
    return uuidOf(text) ?? text;
  }
}
