import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { NoStore } from '../../http/index.js';
import { AuthEvents } from '../auth-events.js';
import { type Client, RequestClient } from '../login/client.js';
import { FlowGate } from '../throttle/flow-gate.js';
import { RegisterDto } from './accounts.dto.js';
import { plausibleEmail } from './plausible-email.js';
import { Registration } from './registration.js';
import { UniformTime } from './uniform-time.js';

/** Opening an account. The same answer, after the same time, whether the address has one or not. */
@Controller('auth')
export class RegistrationController {
  constructor(
    private readonly registration: Registration,
    private readonly gate: FlowGate,
    private readonly time: UniformTime,
    private readonly events: AuthEvents,
  ) {}

  @Post('register')
  @HttpCode(202)
  @NoStore()
  async register(@Body() { email, password }: RegisterDto, @RequestClient() { address: ip }: Client) {
    const address = plausibleEmail('email', email);
    const { user, created } = await this.gate.spendFor('register', { account: address.key, ip }, (keep) =>
      this.time.take(() => this.registration.perform(address, password, keep)),
    );
    const reason = created ? 'created' : 'known';
    this.events.note({ event: 'register', result: 'ok', reason, userId: user.id });
    return { status: 'accepted', detail: 'If the address can have an account, a mail says how to go on.' };
  }
}
