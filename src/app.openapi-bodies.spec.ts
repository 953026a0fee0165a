import 'reflect-metadata';
import { Body, Controller, type DynamicModule, Post } from '@nestjs/common';
import { Equals, IsArray, IsIn, IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';
import { expect, it } from 'vitest';
import { buildOpenApi } from './app.openapi.js';
import { createHttpApp } from './app.setup.js';
import { ConfigModule } from './config/index.js';
import { HttpModule } from './http/index.js';
import { TelemetryModule } from './telemetry/index.js';

class NameDto {
  @IsString()
  @Length(1, 64)
  name!: string;
}

class OrderDto extends NameDto {
  @IsInt()
  @Min(1)
  @Max(9)
  count!: number;

  @IsOptional()
  @IsIn(['red', 'blue'])
  colour?: string;

  @IsOptional()
  @Equals(true)
  gift?: true;

  @IsArray()
  @IsString({ each: true })
  tags!: string[];
}

@Controller('orders')
class OrderController {
  @Post()
  order(@Body() order: OrderDto) {
    return order;
  }
}

class Root {}

it('describes a body by the rules that it is validated with', async () => {
  const root: DynamicModule = {
    module: Root,
    imports: [TelemetryModule, HttpModule],
    controllers: [OrderController],
  };
  const config = await ConfigModule.forRoot(root, { APP_PROFILE: 'test' });
  const app = await createHttpApp({ ...root, imports: [config, ...(root.imports ?? [])] }, { logger: false });
  expect(buildOpenApi(app, 'test').components?.schemas?.['OrderDto']).toEqual({
    type: 'object',
    additionalProperties: false,
    properties: {
      name: { type: 'string', minLength: 1, maxLength: 64 },
      count: { type: 'integer', minimum: 1, maximum: 9 },
      colour: { enum: ['red', 'blue'] },
      gift: { enum: [true] },
      tags: { type: 'array', items: { type: 'string' } },
    },
    required: expect.arrayContaining(['name', 'count', 'tags']) as string[],
  });
  await app.close();
});
