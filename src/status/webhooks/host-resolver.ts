import { lookup } from 'node:dns/promises';
import { Injectable } from '@nestjs/common';

/** Finds the addresses of a name as the operating system does. */
@Injectable()
export class HostResolver {
  /** @throws Error of node:dns where there are none */
  async addressesOf(name: string): Promise<readonly string[]> {
    const found = await lookup(name, { all: true, verbatim: true });
    return found.map(({ address }) => address);
  }
}
