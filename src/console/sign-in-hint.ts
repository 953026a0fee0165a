import { Injectable } from '@nestjs/common';

/** Who may follow the sample events of a demo. Nobody where it is none. */
@Injectable()
export class SignInHint {
  credentials: { readonly email: string; readonly password: string } | undefined;
}
