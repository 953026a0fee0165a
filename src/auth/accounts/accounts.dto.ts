import { IsString, Length } from 'class-validator';

const LONGEST_SECRET = 1024;

export class RegisterDto {
  @IsString()
  @Length(1, 320)
  email!: string;

  @IsString()
  @Length(1, LONGEST_SECRET)
  password!: string;
}

export class ForgotDto {
  @IsString()
  @Length(1, 320)
  email!: string;
}

export class TokenDto {
  @IsString()
  @Length(1, LONGEST_SECRET)
  token!: string;
}

export class ConfirmPasswordDto extends TokenDto {
  @IsString()
  @Length(1, LONGEST_SECRET)
  new_password!: string;
}

export class ChangePasswordDto {
  @IsString()
  @Length(1, LONGEST_SECRET)
  current_password!: string;

  @IsString()
  @Length(1, LONGEST_SECRET)
  new_password!: string;
}

export class ChangeEmailDto {
  @IsString()
  @Length(1, 320)
  new_email!: string;

  @IsString()
  @Length(1, LONGEST_SECRET)
  password!: string;
}
