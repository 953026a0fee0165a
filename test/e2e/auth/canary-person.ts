import type { Canaries } from './canaries.js';
import type { Answer, Call } from './caller.js';
import type { AuthHouse } from './house.js';
import { Person } from './person.js';

/** Somebody all of whose traits are canaries, and who notes every token. */
export class CanaryPerson extends Person {
  readonly agent: string;
  readonly from: string;
  override readonly email: string;

  constructor(
    house: AuthHouse,
    private readonly canaries: Canaries,
    n: number,
  ) {
    super(house);
    this.email = canaries.plant('e-mail', `canary-mail-${n}-q7x@example.org`, 'personal');
    this.agent = canaries.plant('user agent', `CanaryBrowser/${n}.77 (Zyxel Plume)`, 'personal');
    this.from = canaries.plant('address', `203.0.113.2${n}`, 'personal');
    this.password = canaries.plant('password', `canary lantern oyster ${n}`);
  }

  override async call(path: string, call: Call = {}): Promise<Answer> {
    const headers = { 'x-forwarded-for': this.from, 'user-agent': this.agent, ...call.headers };
    const answer = await super.call(path, { ...call, headers });
    this.canaries.learn(path, answer);
    return answer;
  }
}
