import { Injectable } from '@nestjs/common';

/**
 * Whether the process is on its way out. Readiness fails from `begin()` on, before anything is closed, so that
 * the load balancer looks elsewhere while the last requests are still served.
 */
@Injectable()
export class ShutdownState {
  private begun = false;

  begin(): void {
    this.begun = true;
  }

  get active(): boolean {
    return this.begun;
  }
}
