import 'reflect-metadata';
import { Expose, Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  Equals,
  IsArray,
  IsBoolean,
  IsEmail,
  IsIn,
  IsISO8601,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  IsUUID,
  IsUppercase,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { describe, expect, it } from 'vitest';
import { PageDto } from './page.dto.js';
import { type FieldError, ValidationFailedError, createValidationPipe } from './validation.js';

class PartDto {
  @IsInt()
  @Min(1)
  count!: number;
}

class ManyRulesDto extends PageDto {
  @IsOptional() @IsIn(['all', 'major', 'maintenance']) severity?: string;
  @IsOptional() @IsString() @Length(1, 64) name?: string;
  @IsOptional() @IsString() @Length(16, 16) id?: string;
  @IsOptional() @IsString() @MaxLength(1024) secret?: string;
  @IsOptional() @IsString() @MinLength(1) note?: string;
  @IsOptional() @IsString() text?: string;
  @IsOptional() @IsEmail() email?: string;
  @IsOptional() @IsISO8601({ strict: true }) from?: string;
  @IsOptional() @IsBoolean() cookie?: boolean;
  @IsOptional() @Equals(true) exempt?: true;
  @IsOptional() @IsNumber() window_ms?: number;
  @IsOptional() @IsInt() @Max(9) few?: number;
  @IsOptional() @IsArray() @ArrayMaxSize(1) @IsString({ each: true }) ids?: string[];
  @IsOptional() @Matches(/^[a-z]+$/, { message: 'lower-case letters' }) @MaxLength(9) word?: string;
  @IsOptional() @Matches(/^[a-z]+$/) formless?: string;
  @IsOptional() @IsString() @IsUppercase() loud?: string;
  @IsOptional() @ValidateNested() @Type(() => PartDto) part?: PartDto;

  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(3)
  @ArrayUnique()
  @Matches(/^\w+:\w+$/, { each: true, message: 'a scope such as invoices:read' })
  scopes?: string[];
}

class NeededDto {
  @IsUUID()
  tenant_id!: string;
}

async function errorsOf(value: unknown, metatype: new () => object = ManyRulesDto): Promise<FieldError[]> {
  const refused: unknown = await createValidationPipe()
    .transform(value, { type: 'body', metatype })
    .catch((error: unknown) => error);
  if (!(refused instanceof ValidationFailedError)) throw new Error('not refused');
  return [...refused.errors];
}

describe('what is said of a field that breaks rules', () => {
  it.each<[object, string]>([
    [{ severity: 'hunter2' }, 'severity must be one of all, major, maintenance'],
    [{ pasword: 'hunter2' }, 'pasword is not known here'],
    [{ limit: 'hunter2' }, 'limit must be a whole number from 1 to 100'],
    [{ limit: 0 }, 'limit must be a whole number from 1 to 100'],
    [{ few: 10 }, 'few must be a whole number of at most 9'],
    [{ window_ms: 'hunter2' }, 'window_ms must be a number'],
    [{ cursor: 'hunter2' }, 'cursor must be a UUID'],
    [{ name: '' }, 'name must be a text of 1 to 64 characters'],
    [{ id: 'hunter2' }, 'id must be a text of 16 characters'],
    [{ secret: 'hunter2'.repeat(200) }, 'secret must be a text of at most 1024 characters'],
    [{ note: '' }, 'note must be a text of at least 1 character'],
    [{ text: { hunter2: 1 } }, 'text must be a text'],
    [{ email: 'hunter2' }, 'email must be an e-mail address'],
    [{ from: 'hunter2' }, 'from must be a date or time of ISO 8601, such as 2026-01-31T12:00:00Z'],
    [{ cookie: 'hunter2' }, 'cookie must be true or false'],
    [{ exempt: 'hunter2' }, 'exempt must be true'],
    [{ ids: ['hunter2', 'hunter2'] }, 'ids must be a list of at most 1 entry, each a text'],
    [
      { scopes: ['hunter2'] },
      'scopes must be a list of 1 to 3 entries without repetitions, each a scope such as invoices:read',
    ],
    [{ word: 'hunter2' }, 'word must be lower-case letters of at most 9 characters'],
    [{ formless: 'hunter2' }, 'formless is not what is expected here'],
    [{ loud: 'hunter2' }, 'loud must be uppercase'],
    [{ part: { count: 'hunter2' } }, 'part.count must be a whole number of at least 1'],
    [{ part: 'hunter2' }, 'part must be an object'],
    [{ [`${'x'.repeat(5000)}`]: 'hunter2' }, `${'x'.repeat(80)} is not known here`],
  ])('%j', async (value, message) => {
    const errors = await errorsOf(value);
    expect(errors.map((error) => error.message)).toEqual([message]);
    expect(JSON.stringify(errors)).not.toContain('hunter2');
  });

  it('is the same for one that is missing', async () => {
    const message = 'tenant_id must be a UUID';
    expect(await errorsOf({}, NeededDto)).toEqual([{ field: 'tenant_id', rules: ['isUuid'], message }]);
  });
});

it.each([[[]], ['hunter2'], [null], [undefined]])(
  'of a body that is no object, as %j, it is the same',
  async (body) => {
    const message = 'tenant_id must be a UUID';
    expect(await errorsOf(body, NeededDto)).toEqual([{ field: 'tenant_id', rules: ['isUuid'], message }]);
  },
);

describe('an empty query', () => {
  const ask = (pipe: ReturnType<typeof createValidationPipe>, metatype: new () => object) =>
    pipe.transform({}, { type: 'query', metatype }) as Promise<object>;

  it('is refused each time where something is needed', async () => {
    const pipe = createValidationPipe();
    for (let n = 0; n < 3; n += 1)
      await expect(ask(pipe, NeededDto)).rejects.toBeInstanceOf(ValidationFailedError);
  });

  it('gives each request an object of its own, of the class that was asked for', async () => {
    const pipe = createValidationPipe();
    const [one, other, third] = [
      await ask(pipe, PageDto),
      await ask(pipe, PageDto),
      await ask(pipe, ManyRulesDto),
    ];
    expect([one, other, third].map(({ constructor }) => constructor)).toEqual([
      PageDto,
      PageDto,
      ManyRulesDto,
    ]);
    Object.assign(one, { limit: 5 });
    expect({ ...other }).not.toHaveProperty('limit', 5);
    expect({ ...(await ask(pipe, PageDto)) }).not.toHaveProperty('limit', 5);
  });

  it('says nothing of one that has names', async () => {
    const pipe = createValidationPipe();
    await ask(pipe, PageDto);
    const named = pipe.transform({ limit: 0 }, { type: 'query', metatype: PageDto });
    await expect(named).rejects.toBeInstanceOf(ValidationFailedError);
  });

  it('makes up anew what a decorator makes up', async () => {
    let made = 0;
    class MadeDto {
      @IsOptional() @Expose() @Transform(() => (made += 1)) number?: number;
    }
    const pipe = createValidationPipe();
    expect([{ ...(await ask(pipe, MadeDto)) }, { ...(await ask(pipe, MadeDto)) }]).toEqual([
      { number: 1 },
      { number: 2 },
    ]);
  });
});
