import { Module } from '@nestjs/common';
import { ConfigModule } from '../config/index.js';
import { HttpSettings } from './http.config.js';
import { OpsAccess } from './ops.guard.js';

/** Settings of the HTTP door and access for operators. The door itself is built in `createHttpApp`. */
@Module({
  imports: [ConfigModule.forFeature(HttpSettings)],
  providers: [OpsAccess],
  exports: [OpsAccess, ConfigModule.forFeature(HttpSettings)],
})
export class HttpModule {}
